"""A SLURM cluster of two nodes on this machine alone: munged, slurmctld and two slurmds that listen on loopback.

It keeps to a folder of its own, with its own key, ports and configuration, and needs no rights of an administrator.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2")
SEARCHED = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
"""Daemons lie in folders that a user's PATH may leave out."""

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=900
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=64000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=64000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs that this machine lacks."""
    return [program for program in PROGRAMS if shutil.which(program, path=SEARCHED) is None]


class Cluster:
    """Running daemons; `environment` is what a process needs to reach them. `stop()` ends them, and all jobs."""

    def __init__(self, folder: Path) -> None:
        """folder: empty, with a path of at most 80 letters, since a socket lies in it."""
        self.folder = folder
        folder.chmod(0o755)  # munge refuses a socket that not everyone can reach
        (folder / "state").mkdir()
        self.environment = {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{self._commands()}{os.pathsep}{SEARCHED}",
        }
        self.daemons: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start the daemons and wait until both nodes are idle."""
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        settings = {"host": socket.gethostname().partition(".")[0], "user": _user(), "folder": self.folder}
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(ports=_free_ports(3), **settings))
        files = {
            "socket": "munge.socket",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munge.seed",
        }
        options = [f"--{option}={self.folder / file}" for option, file in files.items()]
        self._daemon("munged", "munged", "--foreground", f"--key-file={key}", *options)
        _wait_for((self.folder / "munge.socket").exists, "munged")
        self._daemon("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self._daemon(node, "slurmd", "-D", "-N", node)
        _wait_for(lambda: self.ask("sinfo", "--noheader", "--format=%T %D") == f"idle {len(NODES)}", "both nodes")

    def kill(self, node: str) -> None:
        """Let a node die with all that runs on it, and tell the controller, which would notice it minutes later."""
        self.daemons[node].kill()
        self.daemons.pop(node).wait()
        for process in psutil.process_iter():
            if _runs_on(process, node, str(self.folder)):
                for killed in (process.parent(), process):
                    if killed is not None and killed.name() in ("slurmstepd", process.name()):
                        killed.kill()
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=died")

    def ask(self, *command: str) -> str:
        """What a command of SLURM says; empty where it fails."""
        environment = os.environ | self.environment
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else ""

    def stop(self) -> None:
        """Cancel what still runs, and end the daemons in the order opposite to their start."""
        if self.daemons:
            self.ask("scancel", "--user", _user())
            _wait_for(lambda: not self.ask("squeue", "--noheader"), "the end of all jobs", strict=False)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(timeout=30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def log(self) -> str:
        """The ends of the daemons' logs."""
        return "\n".join(path.read_text()[-2000:] for path in sorted(self.folder.glob("*.output")))

    def _daemon(self, name: str, program: str, *options: str) -> None:
        command = [shutil.which(program, path=SEARCHED), *options]
        with (self.folder / f"{name}.output").open("w") as output:
            environment = os.environ | self.environment
            self.daemons[name] = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def _commands(self) -> Path:
        """A folder with an srun that finds this cluster.

        A job forgets SLURM_CONF before it starts its step: clusters have their configuration in /etc, this one has not.
        """
        commands = self.folder / "commands"
        commands.mkdir()
        srun = commands / "srun"
        real = shutil.which("srun", path=SEARCHED)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n')
        srun.chmod(0o755)
        return commands


def _runs_on(process: psutil.Process, node: str, folder: str) -> bool:
    """Whether a process belongs to a job on a node of the cluster in `folder`."""
    try:
        environment = process.environ()
    except psutil.Error:
        return False
    return environment.get("SLURMD_NODENAME") == node and folder in environment.get("PATH", "")


def _wait_for(condition, what: str, seconds: float = 60, strict: bool = True) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            if strict:
                raise TimeoutError(f"waited {seconds} seconds for {what}")
            return
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for taken in sockets:
        taken.bind(("127.0.0.1", 0))
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def _user() -> str:
    return getpass.getuser()
