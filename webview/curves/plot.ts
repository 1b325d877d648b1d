import { element } from '../controls';
import { moved, settled, type Place, type Walk } from './cursor';

/** A place in the window. A mouse event is one. */
export interface Spot {
  readonly clientX: number;
  readonly clientY: number;
}

export interface Pixel {
  readonly x: number;
  readonly y: number;
}

export interface PlotHooks {
  /** The points that the keys step through: those that are seen now. */
  walks(): readonly Walk[];
  /** Where a point is drawn, in pixels of the canvas; undefined where it is not. */
  pixelOf(place: Place): Pixel | undefined;
  /** The pointer moved, or left. */
  onHover(at: Pixel | undefined, spot: Spot): void;
  /** A click that did not drag. */
  onClick(at: Pixel, spot: Spot): void;
  onReset(): void;
  /** The keys moved the cursor; undefined: the chart lost the focus. */
  onCursor(place: Place | undefined, spot: Spot): void;
  /** Enter on a point; with Shift, or the menu key, its choices. */
  onOpen(place: Place, choices: boolean, spot: Spot): void;
}

/** Pixels that the pointer may move in a click; further, it dragged the chart. */
const STILL = 4;

/**
 * A canvas for the pointer and the keys. A canvas has no elements that could take the focus, so it takes it as a whole and
 * a ring shows which of its points the keys are at.
 */
export class Plot {
  readonly root = element('div', 'plot');
  readonly canvas = element('canvas');
  private readonly ring = element('div', 'ring');
  private place: Place | undefined;
  /** Whether the keys were used last: the pointer needs no ring. */
  private byKeyboard = false;

  constructor(private readonly hooks: PlotHooks) {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'application');
    this.canvas.setAttribute('aria-roledescription', 'chart');
    this.ring.hidden = true;
    this.root.append(this.canvas, this.ring);
    this.listenToPointer();
    this.listenToKeys();
  }

  /** The ring follows its point after the chart was drawn anew; it hides where the point is gone. */
  refresh(): void {
    const pixel = this.byKeyboard ? this.place && this.hooks.pixelOf(this.place) : undefined;
    this.ring.hidden = pixel === undefined;
    if (pixel) this.ring.style.transform = `translate(${pixel.x}px, ${pixel.y}px)`;
  }

  /** From where the keys go on. */
  moveTo(place: Place | undefined): void {
    this.place = place;
    this.refresh();
  }

  private listenToPointer(): void {
    const { canvas, hooks } = this;
    const pixel = ({ offsetX: x, offsetY: y }: MouseEvent): Pixel => ({ x, y });
    canvas.addEventListener('mousemove', (event) => hooks.onHover(pixel(event), event));
    canvas.addEventListener('mouseleave', (event) => hooks.onHover(undefined, event));
    canvas.addEventListener('dblclick', () => hooks.onReset());
    let pressed: Spot | undefined;
    canvas.addEventListener('mousedown', (event) => {
      pressed = event;
      this.byKeyboard = false;
      this.refresh();
    });
    canvas.addEventListener('click', (event) => {
      if (pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > STILL) return;
      hooks.onClick(pixel(event), event);
    });
  }

  private listenToKeys(): void {
    const { canvas, hooks } = this;
    canvas.addEventListener('focus', () => {
      if (canvas.matches(':focus-visible')) this.go(settled(hooks.walks(), this.place));
    });
    canvas.addEventListener('blur', () => {
      this.byKeyboard = false;
      this.refresh();
      hooks.onCursor(undefined, this.spotOf(this.place));
    });
    canvas.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const choices = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
      if (event.key === 'Enter' || choices) {
        if (!this.place) return;
        event.preventDefault();
        hooks.onOpen(this.place, choices || event.shiftKey, this.spotOf(this.place));
        return;
      }
      const place = moved(hooks.walks(), this.place, event.key);
      if (!place) return;
      event.preventDefault();
      this.go(place);
    });
  }

  private go(place: Place | undefined): void {
    this.byKeyboard = true;
    this.moveTo(place);
    if (place) this.hooks.onCursor(place, this.spotOf(place));
  }

  /** Where a point is in the window; the canvas's corner where it is not drawn. */
  private spotOf(place: Place | undefined): Spot {
    const { left, top } = this.canvas.getBoundingClientRect();
    const { x, y } = (place && this.hooks.pixelOf(place)) ?? { x: 0, y: 0 };
    return { clientX: left + x, clientY: top + y };
  }
}
