"""Real servers that are wrongly set up, full, or not for us: a clear line, bounded retries, no crash, no loss."""
import shutil
import uuid

import pytest

from http_publisher import login_failed
from original_model import OriginalEvent
from original_producer import OriginalPublisher
from together import groups, together
from trouble import Trouble, connects_of
from waiting import eventually

SETTINGS = {"store__foreign_producers": "none", "store__publish_wait": "500ms"}


# ---- credentials

CREDENTIALS = {"a wrong password": (None, "wrong"), "no password": (None, None), "a wrong user": ("nobody", "right"),
               "both wrong": ("nobody", "wrong")}


def test_a_wrong_or_missing_password_is_said_and_never_logged(start_hub, start_redis, streams):
    secrets = {"right": "right-secret", "wrong": "wrong-secret", None: None}
    servers = {name: start_redis(requirepass="right-secret") for name in CREDENTIALS}
    urls = {name: servers[name].url(user=user, password=secrets[password])
            for name, (user, password) in CREDENTIALS.items()}
    troubles = {name: Trouble(hub, streams) for name, hub in start_hub.several(urls, **SETTINGS).items()}

    def is_told(name):
        trouble, admin = troubles[name], servers[name].client(password="right-secret")
        trouble.is_refused((503,))
        trouble.is_said("password|credential|WRONGPASS|NOAUTH|authenticat")
        before = admin.info("stats")["total_connections_received"]
        trouble.is_patient(lambda: (admin.info("stats")["total_connections_received"] - before) / 3)
        assert "-secret" not in trouble.hub.log()
        user, secret = CREDENTIALS[name][0], secrets[CREDENTIALS[name][1]]
        admin.config_set("requirepass", secret or "")
        if user:
            admin.execute_command("ACL", "SETUSER", user, "on", f">{secret}", "~*", "&*", "+@all")
        trouble.is_over()

    together({name: name for name in CREDENTIALS}, is_told)


def test_a_right_password_and_user_work(start_hub, start_redis, streams):
    server = start_redis(requirepass="p@ss:w/rd%")
    admin = server.client(password="p@ss:w/rd%")
    admin.execute_command("ACL", "SETUSER", "hub", "on", ">s3cret", "~sse:*", "&sse:*", "+@all")
    for url in (server.url(password="p%40ss%3Aw%2Frd%25"), server.url(user="hub", password="s3cret", database=2)):
        trouble = Trouble(start_hub(url, **SETTINGS), streams)
        trouble.is_over()


# ---- rights

ESSENTIAL = ("evalsha", "xadd", "publish", "subscribe")
PERHAPS = ("eval", "script", "xrange", "xrevrange", "xinfo", "xlen", "xtrim", "multi", "exec", "info", "config", "time",
           "hset", "hget", "hgetall", "hdel", "get", "set", "pexpire", "expire", "del", "ping", "client", "select",
           "role", "hello", "unsubscribe", "wait", "command")


def restricted(server, *rules):
    admin = server.client()
    admin.execute_command("ACL", "SETUSER", "hub", "reset", "on", ">s3cret", "~*", "&*", "+@all", *rules)
    return server.url(user="hub", password="s3cret")


def grant_all(server):
    server.client().execute_command("ACL", "SETUSER", "hub", "~*", "&*", "+@all")


def start_restricted(start_hub, start_redis, streams, rules_of):
    """A server and a hub for each of the named rules; (server, trouble) by name."""
    servers = {name: start_redis() for name in rules_of}
    urls = {name: restricted(servers[name], *rules) for name, rules in rules_of.items()}
    hubs = start_hub.several(urls, **SETTINGS)
    return {name: (servers[name], Trouble(hub, streams)) for name, hub in hubs.items()}


@pytest.mark.limit(180)
@pytest.mark.parametrize("commands", groups(ESSENTIAL + PERHAPS, 8), ids=", ".join)
def test_a_command_without_right_is_named_or_not_needed(start_hub, start_redis, streams, commands):
    def is_told(command, server, trouble):
        named = rf"\b{command}\b"
        if command in ESSENTIAL:
            trouble.is_refused((503,))
            trouble.is_said(named)
        else:
            eventually(lambda: trouble.says_line(named) or trouble.works(),
                       lambda: f"it neither works nor names {command}:\n{trouble.hub.log()[-3000:]}", 40)
        grant_all(server)
        trouble.is_over()

    started = start_restricted(start_hub, start_redis, streams, {command: [f"-{command}"] for command in commands})
    together({name: (name, *pair) for name, pair in started.items()}, lambda case: is_told(*case))


# Redis says only that some key or channel is denied: the hub names all that it needs.
NAMES = {("resetkeys", "~sse:tidings:*"): "~sse:", ("resetkeys", "~sse:stream:*"): "~sse:",
         ("resetkeys", "~other:*"): "~sse:", ("resetkeys", "%R~sse:*"): "~sse:", ("resetkeys", "%W~sse:*"): "~sse:",
         ("resetchannels", "&sse:broadcast", "&sse:tidings:*"): "&sse:",
         ("resetchannels", "&sse:user:*", "&sse:tidings:*"): "&sse:",
         ("resetchannels", "&sse:user:*", "&sse:broadcast"): "&sse:", ("resetchannels",): "&sse:"}


@pytest.mark.limit(180)
def test_keys_and_channels_without_right_are_named(start_hub, start_redis, streams):
    def is_told(named, server, trouble):
        eventually(lambda: trouble.publish().status != 201 and trouble.says_line(named),
                   lambda: f"{named} is not named:\n{trouble.hub.log()[-3000:]}")
        grant_all(server)
        trouble.is_over()

    started = start_restricted(start_hub, start_redis, streams, {" ".join(rules): rules for rules in NAMES})
    together({" ".join(rules): (named, *started[" ".join(rules)]) for rules, named in NAMES.items()},
             lambda case: is_told(*case))


def test_the_rights_that_the_hub_names_are_enough(start_hub, redis_server, streams):
    url = restricted(redis_server, "-@scripting")
    trouble = Trouble(start_hub(url, store__foreign_producers="retained", store__publish_wait="500ms"), streams)
    rights = trouble.is_said("~sse:").split("on Redis: ")[1].split()
    admin = redis_server.client()
    admin.execute_command("ACL", "SETUSER", "hub", "reset", "on", ">s3cret", *rights)
    admin.execute_command("ACL", "LOG", "RESET")
    trouble.is_over()
    publisher = trouble.hub.publisher()
    assert publisher.send({**login_failed("x"), "topic": "t"}).status == 201
    assert publisher.request("POST", "/topics/t/close").status == 200
    assert trouble.works() and not admin.execute_command("ACL", "LOG"), "something is denied"


def test_without_config_it_works(start_hub, redis_server, streams):
    """Hosted Redis denies CONFIG: what it would tell is declared, or taken to be unknown."""
    url = restricted(redis_server, "-config")
    Trouble(start_hub(url, **SETTINGS), streams).is_over()
    Trouble(start_hub(url, store__redis_fsync="everysec", **SETTINGS), streams).is_over()


# ---- the wrong server

def restart_with(server, **settings):
    server.stop()
    for file in server.data.iterdir():
        file.unlink()
    server.settings.update({name.replace("_", "-"): value for name, value in settings.items()})
    server.start()


@pytest.mark.limit(180)
def test_the_wrong_server_is_said_and_the_right_one_taken(start_hub, start_redis, streams):
    small, node, master = start_redis(databases=4), start_redis(cluster_enabled="yes"), start_redis()
    replica = start_redis(replicaof=f"127.0.0.1 {master.port}")
    admin = replica.client()
    eventually(lambda: admin.info("replication")["master_link_status"] == "up", "the replica follows")
    cases = {"no such database": (small, small.url(database=9), "database|DB index"),
             "a node of a cluster": (node, node.url(), "cluster"),
             "a replica": (replica, replica.url(), "READONLY|read-only|replica")}
    hubs = start_hub.several({name: url for name, (_, url, _) in cases.items()}, **SETTINGS)
    troubles = {name: Trouble(hub, streams) for name, hub in hubs.items()}

    def is_told(name):
        server, _, said = cases[name]
        troubles[name].is_refused((503,))
        troubles[name].is_said(said)
        troubles[name].is_patient(connects_of(server))

    together({name: name for name in cases}, is_told)
    restart_with(small, databases=16)
    restart_with(node, cluster_enabled="no")
    admin.replicaof("NO", "ONE")
    together(troubles, lambda trouble: trouble.is_over())


def test_a_host_that_is_not_there_is_named(start_hub, streams):
    trouble = Trouble(start_hub("redis://no-such-host.invalid:6379/0", **SETTINGS), streams)
    trouble.is_refused((503,))
    trouble.is_said(r"no-such-host\.invalid")
    trouble.is_patient(lambda: 0)


def test_a_port_where_nothing_listens_is_named(start_hub, start_redis, streams):
    server = start_redis()
    server.stop()
    trouble = Trouble(start_hub(server.url(), **SETTINGS), streams)
    trouble.is_refused((503,))
    trouble.is_said(rf"127\.0\.0\.1:{server.port}")
    trouble.is_patient(lambda: 0)
    server.start()
    trouble.is_over()


# ---- a server that takes no writes

def test_oom_is_answered_507_or_503_and_is_over_when_there_is_room(start_hub, redis_server, client, streams):
    trouble = Trouble(start_hub(redis_server.url(), **SETTINGS), streams)
    trouble.is_over()
    client.config_set("maxmemory", 1)
    trouble.is_refused((503, 507))
    trouble.is_said("OOM|maxmemory|memory")
    trouble.is_patient(connects_of(redis_server))
    client.config_set("maxmemory", 0)
    trouble.is_over()
    assert not trouble.stream.gaps


def test_oom_that_comes_and_goes_loses_nothing_that_was_acknowledged(start_hub, redis_server, client, streams):
    trouble = Trouble(start_hub(redis_server.url(), **SETTINGS), streams)
    trouble.is_over()
    statuses = set()
    for round_ in range(40):
        client.config_set("maxmemory", 1 if round_ % 4 == 1 else 0)
        statuses.update(trouble.publish().status for _ in range(3))
    client.config_set("maxmemory", 0)
    trouble.is_over()
    assert statuses <= {201, 503, 507} and 201 in statuses and len(statuses) > 1 and not trouble.stream.gaps


def test_misconf_is_said_and_over_when_the_disk_is_there_again(start_hub, start_redis, streams):
    server = start_redis(save="3600 1", stop_writes_on_bgsave_error="yes")
    admin = server.client()
    trouble = Trouble(start_hub(server.url(), **SETTINGS), streams)
    trouble.is_over()
    shutil.rmtree(server.data)
    admin.bgsave()
    eventually(lambda: admin.info("persistence")["rdb_last_bgsave_status"] == "err", "a snapshot that fails")
    trouble.is_refused((503, 507))
    trouble.is_said("MISCONF|snapshot|persist|RDB")
    trouble.is_patient(connects_of(server))
    admin.config_set("stop-writes-on-bgsave-error", "no")
    trouble.is_over()
    assert not trouble.stream.gaps
    server.kill()  # it cannot save, so it would not end by itself


def test_too_few_replicas_for_writes_is_said(start_hub, start_redis, streams):
    server = start_redis(min_replicas_to_write=1)
    trouble = Trouble(start_hub(server.url(), **SETTINGS), streams)
    trouble.is_refused((503,))
    trouble.is_said("NOREPLICAS|replicas")
    server.client().config_set("min-replicas-to-write", 0)
    trouble.is_over()


def test_maxclients_is_said_and_over_when_others_leave(start_hub, start_redis, streams):
    server = start_redis(maxclients=6)
    others = [server.client() for _ in range(6)]
    for other in others[:5]:
        other.ping()
    trouble = Trouble(start_hub(server.url(), **SETTINGS), streams)
    trouble.is_refused((503,))
    trouble.is_said("max number of clients|maxclients|too many|clients")
    for other in others[:5]:
        other.connection_pool.disconnect()
    trouble.is_over()


def test_a_foreign_producer_without_rights_hurts_only_itself(start_hub, redis_server, streams):
    admin = redis_server.client()
    admin.execute_command("ACL", "SETUSER", "theirs", "on", ">x", "~*", "&*", "+@all", "-xadd")
    trouble = Trouble(start_hub(redis_server.url(), store__foreign_producers="retained"), streams)
    theirs = OriginalPublisher(redis_server.client(username="theirs", password="x"), retention=True)
    event = OriginalEvent("security.login.failed", uuid.UUID(trouble.user), {"reason": "theirs"})
    theirs.publish(event)
    assert len(theirs.warnings) == 1  # P6: delivered live, not retained
    assert trouble.stream.receives_reason("theirs").id is None
    answer = trouble.hub.publisher().send({**login_failed("ours"), "user_id": trouble.user})
    assert answer.status == 201 and trouble.stream.receives_reason("ours").id == answer.id
