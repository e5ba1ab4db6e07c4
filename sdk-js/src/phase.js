/** Whether the app is being built, when there is no host to ask. */
export const phase = { building: true };
