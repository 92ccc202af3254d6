"""gdb's view of fanmill: source scripts/gdb/fanmill.py (docs/internals/debugging.md).

    fanmill tasks           every task of this thread's loop: state, what it waits for, its stack
    fanmill tasks NAME      those of this name
    print *job              chunk, core_job, core_worker, server_job, peer and ending in a line;
    print /r *job           as they are

Works on a live process and on a core file, on x86-64 and aarch64 with the hand-written switch.
"""
import gdb
from gdb.unwinder import Unwinder, register_unwinder

# async/switch_*.S: offsets from the saved stack pointer, and the frame's size.
SAVED = {
    "i386:x86-64": ({"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40, "rip": 48}, 56, "rsp", "rip"),
    "aarch64": ({**{f"x{19 + i}": 8 * i for i in range(12)}, "pc": 88}, 160, "sp", "pc"),
}


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class TaskUnwinder(Unwinder):
    """While `saved` is a suspended task's stack pointer, the frame above the newest one is that
    task's, so that gdb walks its stack by the usual means; nothing in the process is changed."""

    def __init__(self):
        super().__init__("fanmill task")
        self.saved = None
        self.newest = None

    def __call__(self, pending):
        if self.saved is None:
            return None
        registers, size, sp, pc = SAVED[pending.architecture().name()]
        here = pending.read_register(sp), pending.read_register(pc)
        if self.newest != (int(here[0]), int(here[1])):
            return None
        info = pending.create_unwind_info(FrameId(*here))
        word = gdb.lookup_type("unsigned long").pointer()
        for name, offset in registers.items():
            info.add_saved_register(name, gdb.Value(self.saved + offset).cast(word).dereference())
        info.add_saved_register(sp, gdb.Value(self.saved + size))
        return info


unwinder = TaskUnwinder()
register_unwinder(None, unwinder, replace=True)


def frames_of(task):
    """What the task's stack looks like now: dictionaries, the innermost first."""
    newest = gdb.newest_frame()
    if str(task["state"]) == "TASK_RUNNING":
        return list(walk(newest))
    _, _, sp, pc = SAVED[newest.architecture().name()]
    try:
        unwinder.newest = int(newest.read_register(sp)), int(newest.read_register(pc))
        unwinder.saved = int(task["ctx"]["sp"])
        gdb.invalidate_cached_frames()
        return list(walk(gdb.newest_frame().older()))
    finally:
        unwinder.saved = None
        gdb.invalidate_cached_frames()


def walk(frame):
    for _ in range(64):
        if frame is None or not frame.is_valid():
            return
        if frame.name() == "fm_ctx_entry":
            return
        line = frame.find_sal()
        file = line.symtab.filename if line.symtab else "?"
        yield {"name": frame.name() or hex(frame.pc()), "file": file, "line": line.line, "args": args_of(frame)}
        frame = frame.older()


def args_of(frame):
    try:
        block = frame.block()
    except RuntimeError:
        return ""
    while block.function is None and block.superblock is not None:
        block = block.superblock
    words = []
    for symbol in block:
        if symbol.is_argument:
            try:
                words.append(f"{symbol.name}={frame.read_var(symbol).format_string(max_elements=20)}")
            except (gdb.error, ValueError):
                words.append(f"{symbol.name}=?")
    return ", ".join(words)


def short(file):
    parts = file.split("/")
    for room in ("async", "transport", "coordinator", "worker", "client", "cli", "tests", "bench"):
        if room in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(room):])
    return file


def waits_for(frames):
    """The outermost function of async/ that the task is in, and who called it."""
    inside = [i for i, f in enumerate(frames) if short(f["file"]).startswith("async/") and f["name"] != "task_main"]
    # From the innermost frame on, without a gap: what begins the task lies in async/, too.
    last = -1
    for i in inside:
        if i > last + 2:  # a frame of the switch has no file
            break
        last = i
    if last < 0:
        return ""
    f = frames[last]
    return f"{f['name']}({f['args']})"


def deadline_of(task, now):
    left = []
    scope = task["scope"]
    while int(scope):
        node = scope["timer"]["node"]
        if int(node["index"]):
            left.append(int(node["deadline"]) - now)
        scope = scope["outer"]
    return f", at most {min(left) / 1e9:.3f} s more" if left else ""


def this_loop():
    try:
        loop = gdb.parse_and_eval("loop_self")
    except gdb.error as e:
        raise gdb.GdbError(f"no loop can be found: {e}")
    if not int(loop):
        raise gdb.GdbError("no loop runs in this thread")
    return loop


class Fanmill(gdb.Command):
    """fanmill tasks [NAME]"""

    def __init__(self):
        super().__init__("fanmill", gdb.COMMAND_STACK, prefix=True)


class Tasks(gdb.Command):
    """fanmill tasks [NAME]: the tasks of this thread's loop, what each waits for, and its stack."""

    def __init__(self):
        super().__init__("fanmill tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        loop = this_loop()
        if "uc" in [f.name for f in loop["ctx"].type.fields()]:
            raise gdb.GdbError("stacks of ucontext are not known here")
        task = loop["tasks"]["lh_first"]
        while int(task):
            name = task["name"].string()
            if argument in ("", name):
                self.show(task, name, int(loop["now"]))
            task = task["listed"]["le_next"]

    def show(self, task, name, now):
        state = {"TASK_READY": "ready", "TASK_RUNNING": "runs", "TASK_PARKED": "waits", "TASK_ENDED": "ended"}
        words = state[str(task["state"])]
        if str(task["state"]) == "TASK_ENDED":
            print(f"{name}: ended with {int(task['result'])}")
            return
        frames = frames_of(task)
        if words == "waits":
            words += f" in {waits_for(frames)}" + deadline_of(task, now)
        print(f"{name}: {words}{', cancelled' if task['cancelled'] else ''}")
        for i, f in enumerate(frames):
            print(f"    #{i} {f['name']} ({f['args']}) at {short(f['file'])}:{f['line']}")


# ---- printers


def text(value):
    return value.string(errors="replace")


def bare(value, prefix):
    return str(value).removeprefix(prefix).lower()


def show_ending(v):
    words = bare(v["outcome"], "OUTCOME_")
    if int(v["code"]):
        words += f" {int(v['code'])}"
    return f"{words} after {int(v['run_ns']) / 1e9:.6f} s, cpu {int(v['cpu_ns']) / 1e9:.6f} s, {int(v['maxrss_bytes'])} bytes"


def show_chunk(v):
    states = ["nowhere", "pending", "leased", "waiting", "held"]
    step = v["step"]
    where = f"job {int(step['job']['id'])} step {int(step['number'])} " if int(step) else ""
    words = f"{where}chunk {int(v['number'])}: {states[int(v['state'])]}, attempt {int(v['attempt'])}"
    if int(v["worker"]):
        words += f" on worker {int(v['worker']['id']):x}"
    if int(v["failures"]) or int(v["crashes"]):
        words += f", {int(v['failures'])} failures, {int(v['crashes'])} crashes"
    if int(v["state"]) == 4:
        words += f", {show_ending(v['ending'])}, {int(v['result_bytes'])} bytes"
    return words


def show_core_job(v):
    words = f"job {int(v['id'])} '{text(v['plan']['name'])}': {bare(v['state'], 'JOB_')}, {int(v['leased'])} leased, " \
            f"{int(v['delivered'])} of {int(v['credit_items'])} records delivered"
    for i in range(int(v["n_steps"])):
        s = v["steps"][i]
        words += f"; step {i}: {int(s['fed'])} fed, {int(s['pending']['n'])} pending, {int(s['waiting'])} waiting, " \
                 f"{int(s['leased'])} leased, {int(s['held']['n'])} held"
    return words


def show_core_worker(v):
    return f"worker {int(v['id']):x}: {int(v['leased']['n'])} leased, window {int(v['window_items'])}, " \
           f"{int(v['slots'])} slots{', draining' if v['draining'] else ''}"


def show_server_job(v):
    state = "ended" if v["ended"] else "runs"
    owner = "has a client" if int(v["client"]) else "detached or abandoned"
    words = f"job {int(v['id'])} '{text(v['plan']['name'])}': {state}, {owner}, credit of {int(v['granted'])} records"
    return words + "".join(f", {flag}" for flag in ("want_open", "hopeless", "broken", "timed_out", "discard") if v[flag])


def show_peer(v):
    words = f"peer {int(v['id']):x}: {bare(v['state'], 'PEER_')}, {text(v['software']) or 'no HELLO'}"
    name = text(v["reg"]["name"])
    if name:
        words += f", worker '{name}' with {int(v['reg']['slots'])} slots, {int(v['results'])} results"
    return words + (f", gone: {text(v['reason'])}" if v["gone"] else "")


class Line:
    def __init__(self, value, show):
        self.value, self.show = value, show

    def to_string(self):
        try:
            return self.show(self.value)
        except gdb.error as e:
            return f"<{self.value.type}: {e}>"


SHOWN = {"ending": show_ending, "chunk": show_chunk, "core_job": show_core_job, "core_worker": show_core_worker,
         "server_job": show_server_job, "peer": show_peer}


def printer_of(value):
    kind = value.type.strip_typedefs()
    show = SHOWN.get(kind.tag) if kind.code == gdb.TYPE_CODE_STRUCT else None
    return Line(value, show) if show else None


printer_of.name = "fanmill"
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "name", "") != "fanmill"]
gdb.pretty_printers.insert(0, printer_of)
Fanmill()
Tasks()
