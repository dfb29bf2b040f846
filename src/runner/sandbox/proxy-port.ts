/** On the loopback of each sandbox, where nothing else can be in the way. */
export const PROXY_PORT = 3128;
