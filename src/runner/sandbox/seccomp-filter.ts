/** A system call's numbers: on x86-64, on arm64. */
type Numbers = readonly [number, number];

/** Refused whatever is asked of them. None is of use to builds, tests and agents; each has been a way out, or leads to much of the kernel. */
const FORBIDDEN: Readonly<Record<string, Numbers>> = {
  // Keys of the machine's user, which no namespace keeps apart.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  syslog: [103, 116],
  open_by_handle_at: [304, 265],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  setns: [308, 268],
};

/** Refused for some of their arguments. */
const LOOKED = {
  clone: [56, 220],
  clone3: [435, 435],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
} as const satisfies Readonly<Record<string, Numbers>>;

/** `audit`: `AUDIT_ARCH_…` of linux/audit.h. `foreignFrom`: from there on numbers are of another ABI (x32); `null` where there is none. */
type Architecture = { column: 0 | 1; audit: number; foreignFrom: number | null };

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { column: 0, audit: 0xc000_003e, foreignFrom: 0x4000_0000 },
  arm64: { column: 1, audit: 0xc000_00b7, foreignFrom: null },
};

const ERROR = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;
/** UNIX, IPv4, IPv6 and netlink, which belong to a namespace. Others don't all: vsock reaches the hypervisor. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** Put words into a terminal, as if they had been typed. */
const TERMINAL_REQUESTS = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };
/** `CLONE_NEW…`: a user namespace of one's own is the first step of most ways out. */
const NEW_NAMESPACES = 0x7e02_0000;
const NEW_TIME_NAMESPACE = 0x80;

/** Offsets in `struct seccomp_data`; of an argument the lower half, which is all that the kernel takes here. */
const AT = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index };
const ALLOW = 0x7fff_0000;
const REFUSE = 0x0005_0000;

/**
 * A program for `bwrap --seccomp`: classic BPF that refuses system calls. A second fence: what it forbids, namespaces and missing
 * capabilities mostly forbid as well, as long as the kernel has no mistake there. `null` for machines whose numbers aren't known here.
 * Refused is what is named; everything else stays allowed, so that no toolchain breaks for want of a call that nobody thought of.
 */
export function toSeccompFilter(architecture: string): Buffer | null {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) return null;
  const { audit, foreignFrom, column } = known;
  const number = (name: keyof typeof LOOKED): number => LOOKED[name][column];
  const program = [
    load(AT.architecture),
    // Programs of another word length have other numbers.
    ...unless('equal', audit, [answer(ERROR.ENOSYS)]),
    load(AT.number),
    ...(foreignFrom === null ? [] : when('atLeast', foreignFrom, [answer(ERROR.ENOSYS)])),
    ...Object.values(FORBIDDEN).flatMap((numbers) => when('equal', numbers[column], [answer(ERROR.EPERM)])),
    // Its flags lie in memory, where no filter can look; the C library falls back on `clone`.
    ...when('equal', number('clone3'), [answer(ERROR.ENOSYS)]),
    ...when('equal', number('clone'), [
      load(AT.argument(0)),
      ...when('hasAny', NEW_NAMESPACES, [answer(ERROR.EPERM)]),
      allow(),
    ]),
    ...when('equal', number('unshare'), [
      load(AT.argument(0)),
      ...when('hasAny', NEW_NAMESPACES | NEW_TIME_NAMESPACE, [answer(ERROR.EPERM)]),
      allow(),
    ]),
    ...when('equal', number('ioctl'), [
      load(AT.argument(1)),
      ...Object.values(TERMINAL_REQUESTS).flatMap((request) => when('equal', request, [answer(ERROR.EPERM)])),
      allow(),
    ]),
    ...when('equal', number('socket'), [
      load(AT.argument(0)),
      ...SOCKET_FAMILIES.flatMap((family) => when('equal', family, [allow()])),
      answer(ERROR.EAFNOSUPPORT),
    ]),
    allow(),
  ];
  return Buffer.concat(program.map(encode));
}

/** `struct sock_filter` of linux/filter.h. */
type Instruction = { code: number; yes?: number; no?: number; value: number };

const COMPARE = { equal: 0x15, atLeast: 0x35, hasAny: 0x45 } as const;

function load(offset: number): Instruction {
  return { code: 0x20, value: offset };
}

function answer(error: number): Instruction {
  return { code: 0x06, value: REFUSE | error };
}

function allow(): Instruction {
  return { code: 0x06, value: ALLOW };
}

/** Goes past `then` when what was loaded compares otherwise. */
function when(how: keyof typeof COMPARE, value: number, then: Instruction[]): Instruction[] {
  return [{ code: COMPARE[how], yes: 0, no: then.length, value }, ...then];
}

function unless(how: keyof typeof COMPARE, value: number, then: Instruction[]): Instruction[] {
  return [{ code: COMPARE[how], yes: then.length, no: 0, value }, ...then];
}

/** Both architectures are little-endian. */
function encode({ code, yes = 0, no = 0, value }: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
