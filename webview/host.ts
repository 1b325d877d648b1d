/** VS Code's side of a webview. */
interface WebviewApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): WebviewApi;

let api: WebviewApi | undefined;

/** The handle to the editor; VS Code gives it out once. */
export function host(): WebviewApi {
  return (api ??= acquireVsCodeApi());
}
