"""The faults, by the names under which they are known (docs/RELIABILITY.md). Each breaks one thing
of the world, lets it live so for some seconds, and mends it."""

import errno
import json
import os
import pathlib
import random
import shutil
import signal
import time
import uuid

import books
import cage
import network
import readers
import world as worlds

READERS = 1000
NEWS_BYTES = 256 << 10  # of the seconds in which a subscriber does not read


def pick(world, names):
    return world.books.random.choice(sorted(names))


def live_agents(world):
    return [name for name in world.daemons if name.startswith("a")]


def leader_killed(world):
    """F1: the leader gets SIGKILL."""
    world.daemons[world.leader()].kill()
    world.run_for(3)


def leader_stopped(world):
    """F2: the leader stands still for longer than its session, then goes on as if nothing was."""
    leader = world.daemons[world.leader()]
    leader.send(signal.SIGSTOP)
    world.run_for(worlds.SESSION_TIMEOUT_S + 3)
    leader.send(signal.SIGCONT)
    world.run_for(1)


def server_killed(world):
    """F3: one ZooKeeper server of three, or the leading one, is killed and comes back."""
    leading = world.ensemble.leader()
    index = leading if leading is not None and world.books.random.random() < 0.5 else \
        world.books.random.randrange(3)
    world.ensemble.kill(index)
    world.run_for(4)
    world.ensemble.start(index)


def server_stopped(world):
    """F3: one ZooKeeper server, the leading one or another, stands still and goes on."""
    leading = world.ensemble.leader()
    index = leading if leading is not None and world.books.random.random() < 0.5 else \
        world.books.random.randrange(3)
    world.ensemble.pause(index)
    world.run_for(4)
    world.ensemble.resume(index)
    return f"server {index}{', which led' if index == leading else ''}"


def quorum_lost(world):
    """F3: two or all of three servers are killed: nobody may lead until they are back."""
    gone = world.books.random.choice([[0, 1], [1, 2], [0, 1, 2]])
    for index in gone:
        world.ensemble.kill(index)
    world.run_for(6)
    for index in gone:
        world.ensemble.start(index)


def leader_without_ensemble(world):
    """F4: packets between the leader and the ensemble are dropped."""
    name = world.leader()
    for port in (ports[0] for ports in world.ensemble.ports):
        world.net.cut(name, [network.HUB], port=port)
    world.run_for(worlds.SESSION_TIMEOUT_S + 3)
    world.net.heal(name)


def leader_without_agents(world):
    """F4: packets between the leader and half of the agents are dropped."""
    name = world.leader()
    peers = [world.net.addresses[a] for a in live_agents(world)[::2]]
    world.net.cut(name, peers)
    world.run_for(7)
    world.net.heal(name)


def one_way(world):
    """F4: an agent or the leader hears nothing, or is not heard."""
    name = pick(world, [*live_agents(world), world.leader()])
    incoming = world.books.random.random() < 0.5
    others = [a for n, a in world.net.addresses.items() if n != name] + [network.HUB]
    world.net.cut(name, others, incoming=incoming, outgoing=not incoming)
    world.run_for(7)
    world.net.heal(name)
    return f"{name} {'hears nothing' if incoming else 'is not heard'}"


def packets_lost(world):
    """F5: a third of the packets of the leader are lost."""
    name = world.leader()
    world.net.lose(name, 30)
    world.run_for(6)
    world.net.heal(name)


def packets_late(world):
    """F5: packets of the leader or of an agent arrive late and in another order."""
    name = pick(world, [world.leader(), *live_agents(world)[:2]])
    most_s = world.books.random.choice([0.05, 0.3])
    seed = world.books.random.getrandbits(32)
    with world.net.delayed(name, 0.005, most_s, seed) as delay:
        world.run_for(8)
    return f"{delay.carried} of {name}, up to {most_s:g} s"


def agent_killed(world):
    """F6: agents get SIGKILL; one of them comes back as another build of the same program."""
    for name in (pick(world, live_agents(world)), pick(world, live_agents(world))):
        world.daemons[name].kill()
        home = world.box / f"bin{name[1:]}"
        fresh = home / "bourse-agent.new"
        fresh.write_bytes((home / "bourse-agent").read_bytes())
        fresh.chmod(0o755)
        os.replace(fresh, home / "bourse-agent")
    world.run_for(3)


def end_for_good(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def tasks_killed(world):
    """F7: processes of tasks get SIGKILL."""
    killed = 0
    for task in world.books.open_tasks()[:40]:
        pids = world.books.processes_of(task)
        if pids and world.books.random.random() < 0.3:
            task.harmed = True
            end_for_good(world.books.random.choice(pids))
            killed += 1
    world.run_for(2)
    return f"{killed} tasks"


def running(world, launch):
    """A task that runs: one that a master dropped, whose offer had ended, is asked for again."""
    while True:
        task = launch()
        world.wait(f"{task.id}, which shall be harmed", lambda task=task:
                   task.state() == "TASK_RUNNING" or task.settled())
        if not task.settled():
            return task


def ended(world, tasks, what):
    world.wait(f"the end of tasks whose {what} was killed", lambda: all(
        task.ended() for task in tasks))


def executor_killed(world):
    """F7: a framework's own executor gets SIGKILL with two tasks; another one is left alone."""
    book, program = world.books, world.bin / "told-executor"
    name = f"e{len(book.tasks)}"
    harmed = [running(world, lambda: book.launch_under(name, program)) for _ in range(2)]
    other = running(world, lambda: book.launch_under(f"{name}-other", program))
    pid = books.process_of_executor(name)
    for task in harmed:
        task.harmed = True
    end_for_good(pid)
    ended(world, harmed, "executor")
    if other.ended():
        raise worlds.Trouble(f"{other.id} ended with an executor that is not its own")
    book.kill(other)
    return f"told as {sorted({task.state() for task in harmed})}"


def shim_killed(world):
    """F7: the shims of two tasks get SIGKILL: who watched a container is gone."""
    tasks = [running(world, lambda: world.books.launch(seconds=books.LONG_S)) for _ in range(2)]
    for task in tasks:
        task.harmed = True
        end_for_good(books.shim_of(world.books.processes_of(task)[0]))
    ended(world, tasks, "shim")
    return f"told as {sorted({task.state() for task in tasks})}"


def fill(path):
    """Until nothing fits any more."""
    try:
        with open(path, "wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
    except OSError:
        pass


def fill_with_names(path):
    """Until no file can be made any more, be it empty."""
    path.mkdir()
    try:
        for number in range(2 * worlds.INODES):
            (path / str(number)).touch()
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return
        raise
    raise worlds.Trouble(f"{path} holds more files than its disk has inodes")


def heavy_tasks(world):
    """Each agent with a small disk has room for one of them, and no other agent for any."""
    return [world.books.launch(seconds=0.1, code=0, memory_mb=worlds.HEAVY_MB)
            for _ in range(worlds.SMALL_DISKS)]


def one_on_each_small_disk(world):
    """Tasks that have come to their end."""
    tasks = heavy_tasks(world)
    world.wait("the end of a task on each small disk", lambda: all(t.settled() for t in tasks))
    return tasks


def refused(tasks):
    """Those that their agents could not start, and said so."""
    return [task for task in tasks if task.told[-1][2] == "REASON_CONTAINER_LAUNCH_FAILED"]


def without_room(world, exhaust, mend):
    """Takes all there is of an agent's disk and of a run directory's for some seconds: a launch
    there is refused as long, and no longer."""
    name = f"a{world.books.random.randrange(worlds.SMALL_DISKS)}"
    fillers = [world.box / name / "filler", world.box / f"{worlds.SMALL_RUN_DISK}r" / "filler"]
    for filler in fillers:
        exhaust(filler)
    vain = refused(one_on_each_small_disk(world))
    if not vain:
        raise worlds.Trouble(f"launches on the full disks of {name} came to their end")
    world.run_for(4)
    for filler in fillers:
        mend(filler)
    world.run_for(1)
    if refused(one_on_each_small_disk(world)):
        raise worlds.Trouble(f"launches on the disks of {name}, which have room again, are refused")
    return f"{name}, {len(vain)} of {worlds.SMALL_DISKS} launches refused"


def disk_full(world):
    """F9: an agent's disk is full for some seconds, and that of a run directory."""
    return without_room(world, fill, pathlib.Path.unlink)


def inodes_gone(world):
    """F9: an agent's disk has room and no inode for some seconds, and that of a run directory."""
    return without_room(world, fill_with_names, shutil.rmtree)


def disk_read_only(world):
    """F9: an agent is started on a disk that it cannot write to, and again on one that it can."""
    name = pick(world, live_agents(world))
    daemon, work = world.daemons[name], world.box / name
    whole = daemon.argv
    # For it alone: what runs has files open there, and a kernel makes no such disk read-only.
    script = f'mount --bind {work} {work} && mount -o remount,bind,ro {work} && exec "$@"'
    daemon.argv = ["unshare", "--mount", "sh", "-c", script, "sh", *whole]
    starts = daemon.starts
    daemon.kill()
    world.wait("the agent on its read-only disk", lambda: daemon.starts > starts)
    world.run_for(5)
    daemon.argv = whole
    daemon.kill()
    world.run_for(1)
    return f"{name}, started {daemon.starts - starts} times"


def disk_fails(world):
    """F9: an agent's disk takes no write (EIO), then it can sync nothing, which ends the agent."""
    name, disk = worlds.FAILING_DISK, world.failing_disk
    starts, told = world.daemons[name].starts, []
    for calls, what in ((worlds.disk_error.WRITES, "writes"), (worlds.disk_error.SYNCS, "syncs")):
        before = disk.failed()
        disk.fail(calls)
        tasks = heavy_tasks(world)
        world.wait(f"{what} of {name} that fail", lambda before=before: disk.failed() > before)
        world.run_for(3)
        disk.fail(worlds.disk_error.NOTHING)
        told.append(f"{disk.failed() - before} {what}")
        world.wait("the end of a task on each small disk", lambda: all(t.settled() for t in tasks))
    if world.daemons[name].starts == starts:
        raise worlds.Trouble(f"{name} lives on though it could sync nothing")
    if refused(one_on_each_small_disk(world)):
        raise worlds.Trouble(f"launches on the disk of {name}, which is whole again, are refused")
    return (f"{name}, {' and '.join(told)} failed, "
            f"started {world.daemons[name].starts - starts} times")


def clock_set(world):
    """F10: the wall clock of a master and of an agent jumps by an hour, or back by a day."""
    hours = world.books.random.choice([1, -1, -24, 10 * 365 * 24])
    for clock in world.clocks.values():
        clock.set(hours * 3600)
    world.run_for(5)
    for clock in world.clocks.values():
        clock.set(0)
    return f"{hours:+} hours"


def clock_wrong_at_start(world):
    """F10: an agent is started by a clock that is ten years late, which is put right later."""
    name = worlds.CLOCK_MACHINES[-1]
    world.daemons[name].hold()
    world.clocks[name].set(-10 * 365 * 24 * 3600)
    world.daemons[name].release()
    world.wait("the agent with the wrong clock", world.healthy)
    world.run_for(3)
    world.clocks[name].set(0)
    world.run_for(1)


def excuse_tasks(world, name, begun, others):
    """Of the tasks that an agent started in a cage as many may have been harmed as the kernel
    killed there beside the agent. Where others than these run, the cage is not."""
    agent = world.agent_ids[world.net.addresses[name]]
    world.wait("the tasks of the agents", lambda: world.task_agents() is not None)
    where = world.task_agents()
    excuse = cage.Excuse(others)
    here = [task for task in world.books.begun()
            if task.id not in begun and where.get(task.id) == agent]
    for task in here:
        task.excuse = excuse
    return len(here)


def master_out_of_memory(world):
    """F11: the kernel kills a master for want of memory, again and again."""
    return out_of_memory(world, pick(world, world.masters()))


def agent_out_of_memory(world):
    """F11: the kernel kills an agent for want of memory, again and again."""
    return out_of_memory(world, pick(world, live_agents(world)))


def out_of_memory(world, name):
    daemon = world.daemons[name]
    whole = daemon.argv
    before = daemon.ended_by_others
    kilobytes = world.books.random.randrange(1, 6) << 10
    excused = 0
    # What a daemon needs depends on what it has to remember: it gets less and less, until that is
    # too little. In a hundred kilobytes none can live.
    while daemon.ended_by_others == before:
        if kilobytes < 100:
            raise worlds.Trouble(f"{name} lives on in {kilobytes << 1} KB")
        begun = {task.id for task in world.books.begun()}
        with cage.Cage(f"chaos-{uuid.uuid4().hex[:12]}-{kilobytes}", kilobytes << 10) as small:
            daemon.argv = small.enter(whole)
            daemon.kill()
            world.run_for(4)
            daemon.argv = whole
            daemon.kill()
            daemon.tend()  # its own end is counted before others' are
        if daemon.ended_by_others > before and small.killed == 0:
            raise worlds.Trouble(f"{name} was killed, but not for want of memory")
        others = small.killed - (daemon.ended_by_others - before)
        if others > 0 and name.startswith("a"):
            excused += excuse_tasks(world, name, begun, others)
        kilobytes //= 2
    return (f"{name} was killed {daemon.ended_by_others - before} times, {kilobytes << 1} KB, "
            f"{others} others with it, which {excused} tasks may have been")


def readers_that_do_not_read(world):
    """F12: a thousand subscribers that never read, and a framework that stands still."""
    name = world.leader()
    leader = world.daemons[name]
    before = leader.resident_bytes()
    state = len(json.dumps(world.get(name, "/api/v1", '{"type":"GET_STATE"}')))
    with readers.Readers(world.net.addresses[name], READERS) as deaf:
        world.wait("answers to all that subscribed", lambda: deaf.answered() == READERS)
        most = answers_meanwhile(world, name, 4)
        os.kill(world.books.process.pid, signal.SIGSTOP)
        most = max(most, answers_meanwhile(world, name, 4, busy=False))
        os.kill(world.books.process.pid, signal.SIGCONT)
    grown = most - before
    # Each is sent the state, which may be longer as the master writes it, and what happens then.
    if grown > READERS * (2 * state + NEWS_BYTES):
        raise worlds.Trouble(f"{READERS} that do not read cost {name} {grown >> 20} MB")
    world.run_for(2)
    return f"{READERS} of {name}, {grown >> 20} MB; the state has {state >> 10} KB"


def answers_meanwhile(world, name, seconds, busy=True):
    """How much memory a master had at most, whose every answer came."""
    end, most = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        world.run_for(0.2, busy)
        if world.get(name, "/api/v1", '{"type":"GET_AGENTS"}') is None:
            raise worlds.Trouble(f"{name} does not answer while others do not read")
        most = max(most, world.daemons[name].resident_bytes())
    return most


def framework_killed(world):
    """A framework gets SIGKILL and comes back with its id."""
    world.books.kill_and_restart()
    world.run_for(2)


def service_killed(world):
    """The service schedulers get SIGKILL, one after the other or both at once."""
    for name in world.schedulers():
        world.daemons[name].kill()
        world.run_for(world.books.random.choice([0, 1.5]))
    world.run_for(3)


FAULTS = {
    "F1": leader_killed,
    "F2": leader_stopped,
    "F3": server_killed,
    "F3-stopped": server_stopped,
    "F3-quorum": quorum_lost,
    "F4-ensemble": leader_without_ensemble,
    "F4-agents": leader_without_agents,
    "F4-one-way": one_way,
    "F5": packets_lost,
    "F5-late": packets_late,
    "F6": agent_killed,
    "F7": tasks_killed,
    "F7-executor": executor_killed,
    "F7-shim": shim_killed,
    "F9": disk_full,
    "F9-inodes": inodes_gone,
    "F9-read-only": disk_read_only,
    "F9-error": disk_fails,
    "F10": clock_set,
    "F10-start": clock_wrong_at_start,
    "F11-master": master_out_of_memory,
    "F11-agent": agent_out_of_memory,
    "F12": readers_that_do_not_read,
    "framework": framework_killed,
    "service": service_killed,
}


def schedule(seed, names):
    """Every fault once in an order that the seed shuffles, then again."""
    order = random.Random(seed)
    while True:
        names = list(names)
        order.shuffle(names)
        yield from names
