"""Which commands there are, as COMMAND tells clients: names, arity, flags, where their keys are.

The entries are those of Redis 7.0. Cluster clients need them to find the keys of a command, and
redis-py refuses to send in a pipeline what is not among them.
"""

from dataclasses import dataclass

from common.runtime.resp.replies import Flags, Value

ENTRIES = """
get 2 1 1 1 readonly,fast @read,@string,@fast
set -3 1 1 1 write,denyoom @write,@string,@slow
setnx 3 1 1 1 write,denyoom,fast @write,@string,@fast
setex 4 1 1 1 write,denyoom @write,@string,@slow
psetex 4 1 1 1 write,denyoom @write,@string,@slow
getset 3 1 1 1 write,denyoom,fast @write,@string,@fast
getdel 2 1 1 1 write,fast @write,@string,@fast
getex -2 1 1 1 write,fast @write,@string,@fast
append 3 1 1 1 write,denyoom,fast @write,@string,@fast
strlen 2 1 1 1 readonly,fast @read,@string,@fast
incr 2 1 1 1 write,denyoom,fast @write,@string,@fast
decr 2 1 1 1 write,denyoom,fast @write,@string,@fast
incrby 3 1 1 1 write,denyoom,fast @write,@string,@fast
decrby 3 1 1 1 write,denyoom,fast @write,@string,@fast
incrbyfloat 3 1 1 1 write,denyoom,fast @write,@string,@fast
getrange 4 1 1 1 readonly @read,@string,@slow
substr 4 1 1 1 readonly @read,@string,@slow
lpush -3 1 1 1 write,denyoom,fast @write,@list,@fast
rpush -3 1 1 1 write,denyoom,fast @write,@list,@fast
lpushx -3 1 1 1 write,denyoom,fast @write,@list,@fast
rpushx -3 1 1 1 write,denyoom,fast @write,@list,@fast
lpop -2 1 1 1 write,fast @write,@list,@fast
rpop -2 1 1 1 write,fast @write,@list,@fast
llen 2 1 1 1 readonly,fast @read,@list,@fast
lrange 4 1 1 1 readonly @read,@list,@slow
lindex 3 1 1 1 readonly @read,@list,@slow
lset 4 1 1 1 write,denyoom @write,@list,@slow
lrem 4 1 1 1 write @write,@list,@slow
ltrim 4 1 1 1 write @write,@list,@slow
linsert 5 1 1 1 write,denyoom @write,@list,@slow
lpos -3 1 1 1 readonly @read,@list,@slow
lmove 5 1 2 1 write,denyoom @write,@list,@slow
rpoplpush 3 1 2 1 write,denyoom @write,@list,@slow
rename 3 1 2 1 write @keyspace,@write,@slow
renamenx 3 1 2 1 write,fast @keyspace,@write,@fast
mget -2 1 -1 1 readonly,fast @read,@string,@fast request_policy:multi_shard
mset -3 1 -1 2 write,denyoom @write,@string,@slow request_policy:multi_shard,response_policy:all_succeeded
del -2 1 -1 1 write @keyspace,@write,@slow request_policy:multi_shard,response_policy:agg_sum
unlink -2 1 -1 1 write,fast @keyspace,@write,@fast request_policy:multi_shard,response_policy:agg_sum
exists -2 1 -1 1 readonly,fast @keyspace,@read,@fast request_policy:multi_shard,response_policy:agg_sum
touch -2 1 -1 1 readonly,fast @keyspace,@read,@fast request_policy:multi_shard,response_policy:agg_sum
type 2 1 1 1 readonly,fast @keyspace,@read,@fast
expire -3 1 1 1 write,fast @keyspace,@write,@fast
pexpire -3 1 1 1 write,fast @keyspace,@write,@fast
expireat -3 1 1 1 write,fast @keyspace,@write,@fast
pexpireat -3 1 1 1 write,fast @keyspace,@write,@fast
expiretime 2 1 1 1 readonly,fast @keyspace,@read,@fast
pexpiretime 2 1 1 1 readonly,fast @keyspace,@read,@fast
ttl 2 1 1 1 readonly,fast @keyspace,@read,@fast nondeterministic_output
pttl 2 1 1 1 readonly,fast @keyspace,@read,@fast nondeterministic_output
persist 2 1 1 1 write,fast @keyspace,@write,@fast
scan -2 0 0 0 readonly @keyspace,@read,@slow nondeterministic_output,request_policy:special
keys 2 0 0 0 readonly @keyspace,@read,@slow,@dangerous request_policy:all_shards,nondeterministic_output_order
dbsize 1 0 0 0 readonly,fast @keyspace,@read,@fast request_policy:all_shards,response_policy:agg_sum
flushall -1 0 0 0 write @keyspace,@write,@slow,@dangerous request_policy:all_shards,response_policy:all_succeeded
flushdb -1 0 0 0 write @keyspace,@write,@slow,@dangerous request_policy:all_shards,response_policy:all_succeeded
multi 1 0 0 0 noscript,loading,stale,fast,allow_busy @fast,@transaction
exec 1 0 0 0 noscript,loading,stale,skip_slowlog @slow,@transaction
discard 1 0 0 0 noscript,loading,stale,fast,allow_busy @fast,@transaction
watch -2 1 -1 1 noscript,loading,stale,fast,allow_busy @fast,@transaction
unwatch 1 0 0 0 noscript,loading,stale,fast,allow_busy @fast,@transaction
ping -1 0 0 0 fast @fast,@connection request_policy:all_shards,response_policy:all_succeeded
echo 2 0 0 0 loading,stale,fast @fast,@connection
hello -1 0 0 0 noscript,loading,stale,fast,no_auth,allow_busy @fast,@connection
auth -2 0 0 0 noscript,loading,stale,fast,no_auth,allow_busy @fast,@connection
select 2 0 0 0 loading,stale,fast @fast,@connection
quit -1 0 0 0 noscript,loading,stale,fast,no_auth,allow_busy @fast,@connection
reset 1 0 0 0 noscript,loading,stale,fast,no_auth,allow_busy @fast,@connection
command -1 0 0 0 loading,stale @slow,@connection nondeterministic_output_order
config -2 0 0 0 - @slow
info -1 0 0 0 loading,stale @slow,@dangerous nondeterministic_output,request_policy:all_shards,response_policy:special
client -2 0 0 0 - @slow
cluster -2 0 0 0 - @slow
asking 1 0 0 0 fast @fast,@connection
readonly 1 0 0 0 loading,stale,fast @fast,@connection
readwrite 1 0 0 0 loading,stale,fast @fast,@connection
time 1 0 0 0 loading,stale,fast @fast nondeterministic_output
"""  # noqa: E501  (a table: a line for each command)


@dataclass(frozen=True, slots=True)
class Entry:
    """One command.

    Attributes:
        name: in lower case.
        arity: how many words, the name included; at least so many where it is negative.
        first, last, step: where the keys are; last counts from the end where it is negative.
        flags, categories, tips: as Redis has them.
    """

    name: str
    arity: int
    first: int
    last: int
    step: int
    flags: tuple[str, ...]
    categories: tuple[str, ...]
    tips: tuple[str, ...]

    def fits(self, words: int) -> bool:
        """Whether a command of so many words may be this one."""
        return words == self.arity if self.arity > 0 else words >= -self.arity

    def keys(self, command: list[bytes]) -> list[bytes]:
        """The keys of a command."""
        if not self.first:
            return []
        last = self.last if self.last > 0 else len(command) + self.last
        return command[self.first : last + 1 : self.step]

    def described(self) -> Value:
        """What COMMAND says of it; where keys are is said by position alone, not by key specs."""
        return [
            self.name,
            self.arity,
            Flags(self.flags),
            self.first,
            self.last,
            self.step,
            Flags(self.categories),
            list(self.tips),
            [],
            [],
        ]


def _read(line: str) -> Entry:
    name, arity, first, last, step, flags, categories, *tips = line.split()
    return Entry(
        name,
        int(arity),
        int(first),
        int(last),
        int(step),
        () if flags == "-" else tuple(flags.split(",")),
        tuple(categories.split(",")),
        tuple(tips[0].split(",")) if tips else (),
    )


TABLE = {entry.name: entry for entry in map(_read, ENTRIES.strip().splitlines())}
"""By name."""
