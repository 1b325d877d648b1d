export function makeWorkspace(target: string, fixture?: string): string;
export function stopRuns(workspace: string): void;
