"""The scenarios: what holds the events, what happens to it, and what may be expected then."""
import dataclasses
import typing

from servers import Clock

LINKS = {"CLIENT KILL pubsub": 3, "CLIENT KILL normal": 2, "CLIENT KILL one link": 3, "CLIENT KILL again and again": 1,
         "DEBUG SLEEP": 1, "CLIENT PAUSE": 1, "tiny output buffers": 1, "cut between hub and Redis": 2,
         "stall between hub and Redis": 1, "answers of Redis are lost": 2, "blackhole between hub and Redis": 1,
         "one link stalls": 2, "scripts are forgotten": 1, "kill -9 a hub": 1, "a hub is paused": 1,
         "a hub is drained and replaced": 1}
FEW_LINKS = {"CLIENT KILL pubsub": 1, "cut between hub and Redis": 1, "answers of Redis are lost": 1,
             "kill -9 a hub": 1}


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    says: str
    faults: typing.Dict[str, int]     # kind -> weight
    store: str = "redis"              # memory, lmdb, redis, sentinel
    durability: str = "everysec"      # of Redis
    wait_replicas: int = 0
    clock: bool = False
    hubs: int = 3
    numbers_rise: bool = True
    lossless: bool = True
    reports_seal: bool = False
    calm: typing.Tuple[float, float] = (0.3, 1.5)  # seconds between faults
    least: float = 0.0                # a shorter run would show nothing
    together: typing.Tuple[str, ...] = ("kill -9 a hub", "CLIENT KILL pubsub")  # may come during another fault
    first: typing.Tuple[str, ...] = ()  # one of these comes first, so that a short run has what it is for

    def skip(self):
        """Why it cannot run here, or None."""
        return Clock.missing() if self.clock else None


_SERVER = "kill -9 Redis, "
_MASTER = ("the master is killed", "the master is paused and comes back", "the master is isolated with a hub")
ALL = [
    Scenario("links", "one Redis that stays; its links are killed, cut, stalled; hubs are killed", LINKS),
    Scenario("relink", "one Redis; links are killed and cut while others publish, and nothing else",
             {"CLIENT KILL pubsub": 3, "CLIENT KILL one link": 1, "cut between hub and Redis": 4},
             first=("cut between hub and Redis",)),
    Scenario("aof-always", "one Redis with appendfsync always is killed: nothing is lost, nobody is told",
             {**FEW_LINKS, _SERVER + "AOF always": 5}, durability="always", first=(_SERVER + "AOF always",)),
    Scenario("aof-everysec", "one Redis with appendfsync everysec is killed, and its file's tail is lost",
             {**FEW_LINKS, _SERVER + "AOF everysec": 2, _SERVER + "the file's tail is lost": 3}, lossless=False,
             first=(_SERVER + "the file's tail is lost",)),
    Scenario("rdb", "one Redis without a file comes back with an older dump; FLUSHALL",
             {**FEW_LINKS, _SERVER + "an older dump": 4, "save a dump": 3, "FLUSHALL": 2}, durability="rdb",
             numbers_rise=False, lossless=False, first=(_SERVER + "an older dump", "FLUSHALL")),
    Scenario("failover", "Sentinel promotes a replica that may lag; the old master stays with a hub, or comes back",
             {"the master is killed": 3, "the master is paused and comes back": 3,
              "the master is isolated with a hub": 4, "the operator asks for a failover": 1,
              "CLIENT KILL pubsub": 1, "cut between hub and Redis": 1, "kill -9 a hub": 1},
             store="sentinel", lossless=False, least=6.0, first=_MASTER),
    # Sentinel may promote either replica, and change its mind within a second: so both must have it.
    Scenario("failover-wait", "the same where every replica has what is acknowledged: nothing of it is lost",
             {"the master is killed": 3, "the master is paused and comes back": 3,
              "the master is isolated with a hub": 4, "CLIENT KILL pubsub": 1},
             store="sentinel", wait_replicas=2, reports_seal=True, least=6.0,
             first=_MASTER),
    Scenario("clock", "the wall clock of the Redis server steps, both ways",
             {**FEW_LINKS, "the server's clock steps": 8}, clock=True, first=("the server's clock steps",)),
    Scenario("lmdb", "one hub with its own store is killed: nothing is lost, nobody is told",
             {"kill -9 a hub": 3, "a hub is drained and replaced": 1}, store="lmdb", hubs=1),
    Scenario("memory", "one hub that forgets everything when it is killed: everybody is told",
             {"kill -9 the hub of a store in memory": 1}, store="memory", hubs=1, numbers_rise=False, lossless=False),
]
BY_NAME = {scenario.name: scenario for scenario in ALL}
SHORT = ("links", "aof-always", "rdb", "failover", "lmdb")
BREAK = "relink"  # where a hub that does not read again after a break loses most
