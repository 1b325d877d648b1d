export * from './elementwise';
export * from './fused';
export { gatherRows, scatterAdd, selectRows, takeAlong } from './indexing';
export * from './matrix';
export { logSumExp, max, mean, sum, sumSquare } from './reduce';
export * from './shape';
