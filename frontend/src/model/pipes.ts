/** The pipes of a core, in the order they are shown everywhere. */
export const PIPES = ['S', 'V', 'M', 'MTE1', 'MTE2', 'MTE3', 'FIX'] as const;
