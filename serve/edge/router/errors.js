/** The bucket does not answer as it should. */
export class StoreError extends Error {}
