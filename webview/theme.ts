/** The theme's colours as a canvas needs them: read from the CSS variables, and again when the theme changes. */
export interface Theme {
  readonly background: string;
  readonly foreground: string;
  readonly dimmed: string;
  readonly grid: string;
  readonly band: string;
  readonly font: string;
  readonly fontSize: number;
  readonly highContrast: boolean;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const read = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  const kind = document.body.dataset['vscodeThemeKind'] ?? '';
  const highContrast = kind.startsWith('vscode-high-contrast');
  const foreground = read('--vscode-editor-foreground', '#888888');
  return {
    background: read('--vscode-editor-background', '#ffffff'),
    foreground,
    dimmed: highContrast ? foreground : read('--vscode-descriptionForeground', foreground),
    grid: read(
      highContrast ? '--vscode-contrastBorder' : '--vscode-editorIndentGuide-background1',
      read('--vscode-widget-border', '#88888833'),
    ),
    band: read('--vscode-editor-findMatchHighlightBackground', '#88888822'),
    font: read('--vscode-font-family', 'sans-serif'),
    fontSize: Number.parseFloat(read('--vscode-font-size', '13px')) || 13,
    highContrast,
  };
}

/** Calls back after VS Code has changed the theme: it rewrites the root's style and the body's classes. */
export function onThemeChange(listener: () => void): void {
  let pending = false;
  const observer = new MutationObserver(() => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      listener();
    });
  });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-kind'] });
}
