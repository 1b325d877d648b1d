export const BROWSER_ARGUMENTS: string[];
export const NOISE: RegExp;
export interface ServerOptions {
  host: string;
  data: string;
  extensions: string;
  trusted: boolean;
  env?: Record<string, string | undefined>;
  smokeTest?: boolean;
  onOutput?: (text: string) => void;
}
export interface Server {
  port: number;
  stop(): Promise<void>;
  exited: Promise<number | null>;
}
export function isolated(own: string): Record<string, string>;
export function startServer(options: ServerOptions): Promise<Server>;
export function extensionPath(options: { host: string; extension: string; own: string }): string;
export function workbenchUrl(options: { port: number; folder: string; extension?: string; tests?: string }): string;
