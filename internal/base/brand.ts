// Nominal types over primitives, so that an offset cannot be passed where a log index is meant.

declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
