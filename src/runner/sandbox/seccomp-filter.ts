/** What is asked of the kernel, by the numbers of an architecture. */
type Architecture = {
  /** `AUDIT_ARCH_…` of linux/audit.h. */
  audit: number;
  /** From here on it is another ABI (x32); `null` where there is none. */
  foreignFrom: number | null;
  numbers: Readonly<Record<Forbidden | Looked, number>>;
};

/** Refused whatever is asked of them. None is of use to builds, tests and agents; each has been a way out, or leads to much of the kernel. */
const FORBIDDEN = [
  // Keys of the machine's user, which no namespace keeps apart.
  ...(['add_key', 'request_key', 'keyctl'] as const),
  ...(['bpf', 'perf_event_open', 'userfaultfd', 'syslog', 'open_by_handle_at'] as const),
  ...(['io_uring_setup', 'io_uring_enter', 'io_uring_register'] as const),
  ...(['kexec_load', 'kexec_file_load', 'init_module', 'finit_module', 'delete_module'] as const),
  ...(['mount', 'umount2', 'pivot_root', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick'] as const),
  ...(['open_tree', 'mount_setattr', 'setns'] as const),
] as const;
type Forbidden = (typeof FORBIDDEN)[number];
/** Refused for some of their arguments. */
type Looked = 'clone' | 'clone3' | 'unshare' | 'ioctl' | 'socket';

const SINCE_5 = {
  ...{ open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433 },
  ...{ io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, clone3: 435, mount_setattr: 442 },
} as const;

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    foreignFrom: 0x4000_0000,
    numbers: {
      ...SINCE_5,
      ...{ add_key: 248, request_key: 249, keyctl: 250 },
      ...{ bpf: 321, perf_event_open: 298, userfaultfd: 323, syslog: 103, open_by_handle_at: 304 },
      ...{ kexec_load: 246, kexec_file_load: 320, init_module: 175, finit_module: 313, delete_module: 176 },
      ...{ mount: 165, umount2: 166, pivot_root: 155, setns: 308 },
      ...{ clone: 56, unshare: 272, ioctl: 16, socket: 41 },
    },
  },
  arm64: {
    audit: 0xc00000b7,
    foreignFrom: null,
    numbers: {
      ...SINCE_5,
      ...{ add_key: 217, request_key: 218, keyctl: 219 },
      ...{ bpf: 280, perf_event_open: 241, userfaultfd: 282, syslog: 116, open_by_handle_at: 265 },
      ...{ kexec_load: 104, kexec_file_load: 294, init_module: 105, finit_module: 273, delete_module: 106 },
      ...{ mount: 40, umount2: 39, pivot_root: 41, setns: 268 },
      ...{ clone: 220, unshare: 97, ioctl: 29, socket: 198 },
    },
  },
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
  const { audit, foreignFrom, numbers } = known;
  const program = [
    load(AT.architecture),
    // Programs of another word length have other numbers.
    ...unless('equal', audit, [answer(ERROR.ENOSYS)]),
    load(AT.number),
    ...(foreignFrom === null ? [] : when('atLeast', foreignFrom, [answer(ERROR.ENOSYS)])),
    ...FORBIDDEN.flatMap((name) => when('equal', numbers[name], [answer(ERROR.EPERM)])),
    // Its flags lie in memory, where no filter can look; the C library falls back on `clone`.
    ...when('equal', numbers.clone3, [answer(ERROR.ENOSYS)]),
    ...when('equal', numbers.clone, [
      load(AT.argument(0)),
      ...when('hasAny', NEW_NAMESPACES, [answer(ERROR.EPERM)]),
      allow(),
    ]),
    ...when('equal', numbers.unshare, [
      load(AT.argument(0)),
      ...when('hasAny', NEW_NAMESPACES | NEW_TIME_NAMESPACE, [answer(ERROR.EPERM)]),
      allow(),
    ]),
    ...when('equal', numbers.ioctl, [
      load(AT.argument(1)),
      ...Object.values(TERMINAL_REQUESTS).flatMap((request) => when('equal', request, [answer(ERROR.EPERM)])),
      allow(),
    ]),
    ...when('equal', numbers.socket, [
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
