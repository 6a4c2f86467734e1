/**
 * How the package is made. All is bundled, so there are no dependencies; the README's pictures are in the package, so its links stay as they are.
 */
export const vsixOptions = { dependencies: false, allowMissingRepository: true, rewriteRelativeLinks: false } as const;
