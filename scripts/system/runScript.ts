/**
 * Runs a script's body and ends the process with it: 0, or 1 and the message alone when it throws.
 * DEBUG=1 shows where it was thrown.
 */
export async function runScript(body: () => Promise<void>): Promise<never> {
  try {
    await body();
    process.exit();
  } catch (error) {
    console.error(process.env.DEBUG || !(error instanceof Error) ? error : error.message);
    process.exit(1);
  }
}
