/**
 * The controls of all webviews, and the only module that knows the toolkit they come from: it is retired upstream, so
 * another library must be able to take its place here.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
} from '@vscode/webview-ui-toolkit';

/** Defines the custom elements; call once per webview, before the first control is made. */
export function defineControls(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption());
}

/** An element with a class and text. Text is always text: nothing here parses HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** A codicon, hidden from screen readers: the control it stands in carries the words. */
export function icon(name: string): HTMLElement {
  const made = element('span', `codicon codicon-${name}`);
  made.setAttribute('aria-hidden', 'true');
  return made;
}

export interface ButtonOptions {
  readonly label: string;
  readonly icon?: string;
  /** Only the icon is shown; the label is for the tooltip and screen readers. */
  readonly quiet?: boolean;
  readonly primary?: boolean;
  readonly onClick: () => void;
}

export function button(options: ButtonOptions): HTMLElement {
  const made = document.createElement('vscode-button');
  made.setAttribute('appearance', options.quiet ? 'icon' : options.primary ? 'primary' : 'secondary');
  made.setAttribute('aria-label', options.label);
  if (options.quiet && options.icon) {
    made.title = options.label;
    made.append(icon(options.icon));
  } else {
    if (options.icon) {
      const start = icon(options.icon);
      start.slot = 'start';
      made.append(start);
    }
    made.append(options.label);
  }
  made.addEventListener('click', options.onClick);
  return made;
}

export interface Toggle {
  readonly root: HTMLElement;
  set(checked: boolean): void;
}

/** A check box with its label. `onChange` is called for the user's changes only. */
export function checkbox(
  label: string,
  checked: boolean,
  onChange: (checked: boolean) => void,
  name: string = label,
): Toggle {
  const root = document.createElement('vscode-checkbox');
  if (label) root.textContent = label;
  root.setAttribute('aria-label', name);
  const isChecked = (): boolean => Reflect.get(root, 'checked') === true;
  const set = (next: boolean): void => {
    expected = next;
    Reflect.set(root, 'checked', next);
  };
  let expected = checked;
  set(checked);
  root.addEventListener('change', () => {
    if (isChecked() === expected) return;
    expected = isChecked();
    onChange(expected);
  });
  return { root, set };
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
}

/** A drop-down list. */
export function dropdown<T extends string>(
  label: string,
  choices: readonly Choice<T>[],
  value: T,
  onChange: (value: T) => void,
): HTMLElement {
  const root = document.createElement('vscode-dropdown');
  root.setAttribute('aria-label', label);
  for (const choice of choices) {
    const option = document.createElement('vscode-option');
    option.setAttribute('value', choice.value);
    if (choice.value === value) option.setAttribute('selected', '');
    option.textContent = choice.label;
    root.append(option);
  }
  root.addEventListener('change', () => {
    const chosen: unknown = Reflect.get(root, 'value');
    const choice = choices.find((candidate) => candidate.value === chosen);
    if (choice) onChange(choice.value);
  });
  return root;
}

/** A slider with its value beside it. The toolkit has none, so this is the platform's own in the theme's colours. */
export function slider(
  label: string,
  range: { min: number; max: number; step: number },
  value: number,
  onInput: (value: number) => void,
): HTMLElement {
  const root = element('label', 'slider');
  const input = element('input');
  const shown = element('output', 'figure', String(value));
  input.type = 'range';
  input.min = String(range.min);
  input.max = String(range.max);
  input.step = String(range.step);
  input.value = String(value);
  input.addEventListener('input', () => {
    shown.textContent = input.value;
    onInput(Number(input.value));
  });
  root.append(element('span', '', label), input, shown);
  return root;
}
