export function writeTinyModel(folder: string): void;
