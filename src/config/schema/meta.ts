import { z } from 'zod';

/** What a key's value names, for completion and for the check of files. */
export type Role =
  /** A stage of a type that `takes` lists, or a Hugging Face folder. */
  | 'stage-or-folder'
  /** A generate stage, or a folder or file of labels. */
  | 'stage-or-labels'
  | 'data-file'
  | 'data-file-or-value'
  | 'prompt-file-or-value'
  | 'config-file'
  | 'folder'
  | 'template-file'
  | 'rule-file'
  | 'text-file'
  /** A file as one text; a list holds values. */
  | 'text-file-or-value';

/** All that we say about a key beside its type. */
export interface KeyMeta {
  /** One or two sentences: what it is, its unit, what a good value looks like. */
  readonly doc: string;
  /** Completes the sentence "… must be ". */
  readonly expects: string;
  /** Where the default comes from. */
  readonly source?: string;
  /** The same thing, with the same unit, in other trainers. */
  readonly aliases?: readonly string[];
  /** The default in words, where it is no constant. */
  readonly defaultText?: string;
  /** A number outside of it is allowed but worth a warning. */
  readonly usual?: readonly [number, number];
  /** What completion writes as a value. */
  readonly example?: string;
  readonly role?: Role;
  /** The types of stages that a reference may name. */
  readonly takes?: readonly string[];
}

declare module 'zod' {
  interface GlobalMeta {
    doc?: KeyMeta['doc'];
    expects?: KeyMeta['expects'];
    source?: KeyMeta['source'];
    aliases?: KeyMeta['aliases'];
    defaultText?: KeyMeta['defaultText'];
    usual?: KeyMeta['usual'];
    example?: KeyMeta['example'];
    role?: KeyMeta['role'];
    takes?: KeyMeta['takes'];
  }
}

/** A key as validation, completion, hover and the docs see it. */
export interface KeySpec extends KeyMeta {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly required: boolean;
  /** The default; undefined where there is none. */
  readonly default: unknown;
  /** The words that the value may be, if it may be words. */
  readonly values: readonly string[];
  /** The keys of a value that may be a map, or a list of maps. */
  readonly keys: ReadonlyMap<string, KeySpec>;
}

/** The keys of an object schema, in the order in which they are written there. */
export function keySpecs(schema: z.ZodObject): ReadonlyMap<string, KeySpec> {
  const specs = new Map<string, KeySpec>();
  for (const [name, value] of Object.entries(schema.shape)) {
    if (value instanceof z.ZodType) specs.set(name, keySpec(name, value));
  }
  return specs;
}

function keySpec(name: string, schema: z.ZodType): KeySpec {
  const meta = schema.meta() ?? {};
  const whenMissing = schema.safeParse(undefined);
  const objects = variants(schema)
    .flatMap(elements)
    .filter((variant) => variant instanceof z.ZodObject);
  return {
    ...meta,
    name,
    schema,
    doc: meta.doc ?? '',
    expects: meta.expects ?? 'a value',
    required: !whenMissing.success,
    default: whenMissing.success ? whenMissing.data : undefined,
    values: variants(schema).flatMap(words),
    keys: new Map(objects.flatMap((object) => [...keySpecs(object)])),
  };
}

/** The alternatives of a schema, with default, null and transformation taken off. */
function variants(schema: unknown): z.ZodType[] {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  )
    return variants(schema.unwrap());
  if (schema instanceof z.ZodPipe) return variants(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(variants);
  return schema instanceof z.ZodType ? [schema] : [];
}

/** A list's alternatives in its place. */
function elements(schema: z.ZodType): z.ZodType[] {
  return schema instanceof z.ZodArray ? variants(schema.element) : [schema];
}

function words(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodLiteral) return [...schema.values].map(String);
  return schema instanceof z.ZodBoolean ? ['true', 'false'] : [];
}
