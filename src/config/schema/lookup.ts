import { isStageType, STAGE_TYPES, stageKeys, TOP_KEYS } from './experiment';
import type { KeySpec } from './meta';

/** The keys that may stand in the map at a path; `type` is the stage's, as written. Undefined where nothing is known. */
export function keysAt(path: readonly string[], type: string | undefined): ReadonlyMap<string, KeySpec> | undefined {
  if (path.length === 0) return TOP_KEYS;
  if (path[0] !== 'stages' || path.length === 1) return undefined;
  let keys = isStageType(type) ? stageKeys(type) : allStageKeys();
  for (const key of path.slice(2)) {
    const inner = keys.get(key)?.keys;
    if (!inner || inner.size === 0) return undefined;
    keys = inner;
  }
  return keys;
}

/** What any type of stage has, for a stage whose type is not written yet. */
function allStageKeys(): ReadonlyMap<string, KeySpec> {
  return new Map([...STAGE_TYPES].reverse().flatMap((type) => [...stageKeys(type)]));
}
