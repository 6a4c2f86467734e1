/**
 * Runs a script's body and exits: with 0, or with 1 and the message when it throws. DEBUG=1 adds the stack.
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
