export const cacheFolder: string;
export const hostFolder: string;
export function hostSupported(): boolean;
export function installHost(log?: (line: string) => void): string;
export function findChromium(): string | undefined;
export function installChromium(log?: (line: string) => void): string;
