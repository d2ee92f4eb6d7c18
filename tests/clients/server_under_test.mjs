// Where the server under test listens, and how a suite waits for something without sleeping blindly. run.py starts the
// server, sets LARDER_HOST and LARDER_PORT, and names the package to test in LARDER_CLIENT.

export const host = process.env.LARDER_HOST ?? '127.0.0.1'
export const port = Number(process.env.LARDER_PORT ?? 6379)
export const packageName = process.env.LARDER_CLIENT

/** The first truthy answer of condition(), asked again and again for at most that many seconds. */
export async function until (condition, seconds = 10) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await condition()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`still not so after ${seconds} s: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Whether the server says that it is at least this Redis; info is the text of INFO. */
export function isAtLeast (info, major, minor) {
  const [, serverMajor, serverMinor] = info.match(/redis_version:(\d+)\.(\d+)/).map(Number)
  return serverMajor > major || (serverMajor === major && serverMinor >= minor)
}

/** The fields of a line of CLIENT LIST or CLIENT INFO. */
export function fields (line) {
  return Object.fromEntries(line.trim().split(' ').map(field => field.split(/=(.*)/s, 2)))
}
