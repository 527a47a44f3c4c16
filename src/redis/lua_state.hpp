#pragma once
// The scripts of bounds and of leases with the seals of ended terms. See lua_common.hpp.

#include <string_view>

namespace tidings::redis {

// ARGV: 13 serial, 14 the hub's own channel, 15 a position "ms-seq" that the bound must lie at or beyond,
// or "".
// Reply: "ok", number, tag, "ms-seq", "1" while the last ended term waits for reports, ended terms, start of
// the running one, moments at which ages changed.
inline constexpr std::string_view lua_bound = R"lua(
mint()
-- Others append between our positions, with sequences that begin at 0: the bound lies beyond all of them.
if ARGV[11] == '1' and seq < 2048 then seq = 2048 end
local least_ms, least_seq = ARGV[15]:match('^(%d+)-(%d+)$')
if least_ms then
  least_ms, least_seq = tonumber(least_ms), tonumber(least_seq)
  if least_ms > ms or (least_ms == ms and least_seq > seq) then
    if least_seq > 4095 then least_ms, least_seq = least_ms + 1, 0 end
    ms, seq = least_ms, least_seq
  end
end
write_clock()
redis.call('PUBLISH', ARGV[14], 'b ' .. ARGV[13])
return {'ok', number, tag, string.format('%.0f-%d', ms, seq), pending > 0 and '1' or '0', terms,
        string.format('%.0f', start), changed}
)lua";

// A hub takes and renews its lease, says what it has seen of the other members, and reports of terms that
// ended. ARGV: 13 "stay", "leave", or "read" (it writes nothing and takes no lease), 14 the channel of all
// hubs, 15 the version of the membership that it has seen, 16 of each term that it knows
// "number:tag:acknowledged:seen": the highest positions "ms-seq" there that it acknowledged to a caller and
// that it has seen, or "-"; 17 all joins that it knows: "instance:version …", 18 the version up to which it
// may not know them all.
//
// Reply: "ok", number, tag, "1" while reports are waited for, ended terms, start, moments, membership
// version, "1" when one of the members that joined before knows of this one, or there are none, all members
// "instance:version …", this one's version.
inline constexpr std::string_view lua_state = R"lua(
local hubs, own = ARGV[14], 'lease:' .. instance
if ARGV[13] == 'leave' then
  redis.call('HDEL', partition, own)
  return {'ok', number, tag}
end
local mver = tonumber(redis.call('HGET', partition, 'mver') or 0)
local lease = words(redis.call('HGET', partition, own) or '')
local join = tonumber(lease[2] or 0)
local writes = ARGV[13] == 'stay'
if writes and (#lease == 0 or tonumber(lease[1]) < now) then
  mver = redis.call('HINCRBY', partition, 'mver', 1)
  join = mver
  redis.call('PUBLISH', hubs, 'joined ' .. instance .. ' ' .. mver)
end
if writes then
  redis.call('HSET', partition, own, string.format('%.0f %d %s', now + 10000, join, ARGV[15]))
end

local function above(position, limit_ms, limit_seq)
  local a, b = position:match('^(%d+)-(%d+)$')
  if not a then return false end
  a, b = tonumber(a), tonumber(b)
  return a > limit_ms or (a == limit_ms and b > limit_seq)
end

-- Who has to report of a term: the writers of the data set, and those that joined in what was lost and that
-- members knew of.
local function required_of(n, base)
  local required, listed = words(redis.call('HGET', partition, 'required:' .. n) or ''), {}
  for _, item in ipairs(required) do
    local name, version = item:match('^(.+):(%d+)$')
    listed[name] = tonumber(version)
  end
  for _, item in ipairs(words(ARGV[17])) do
    local name, version = item:match('^(.+):(%d+)$')
    if tonumber(version) > base and not listed[name] then
      listed[name] = tonumber(version)
      required[#required + 1] = item
    end
  end
  return required, listed
end

-- One that joined anew since cannot vouch for whom it did not hear of.
local function cannot_vouch(n, base, listed)
  if redis.call('HEXISTS', partition, 'report:' .. n .. ':' .. instance) == 1 then return false end
  if tonumber(ARGV[18]) > base then return true end
  for _, item in ipairs(words(ARGV[17])) do
    local name, version = item:match('^(.+):(%d+)$')
    if name == instance and listed[name] and listed[name] <= base and tonumber(version) ~= listed[name] then
      return true
    end
  end
  return false
end

-- Takes a report of a term that waits, and decides it if it can be by now. `next_start`: of the term after.
local function weigh(n, state, end_ms, end_seq, next_start, acked, seen)
  local base = tonumber(redis.call('HGET', partition, 'base:' .. n) or 0)
  local required, listed = required_of(n, base)
  local open = above(acked, end_ms, end_seq) or (state == 'p' and cannot_vouch(n, base, listed))
  redis.call('HSET', partition, 'required:' .. n, table.concat(required, ' '),
             'report:' .. n .. ':' .. instance, acked .. ' ' .. seen)
  if open then return decide(n, 'o') end
  local high_ms, high_seq = end_ms, end_seq
  for _, item in ipairs(required) do
    local report = redis.call('HGET', partition, 'report:' .. n .. ':' .. item:match('^(.+):%d+$'))
    if not report then return end
    local has_acked, has_seen = report:match('^(%S+) (%S+)$')
    if above(has_acked, end_ms, end_seq) then return decide(n, 'o') end
    if above(has_seen, high_ms, high_seq) then
      high_ms, high_seq = has_seen:match('^(%d+)-(%d+)$')
      high_ms, high_seq = tonumber(high_ms), tonumber(high_seq)
    end
  end
  -- Nothing acknowledged lies beyond the end, so it may lie where somebody has already been; but not where
  -- the next term writes: positions there would mean two things. Who has been there is told on its return.
  if high_ms >= next_start then high_ms, high_seq = next_start - 1, 4095 end
  decide(n, 's', string.format('%.0f:%.0f', high_ms, high_seq))
end

if pending > 0 then
  local reports = {}
  for _, report in ipairs(words(ARGV[16])) do
    local n, t, acked, seen = report:match('^(%d+):(%d+):(%S+):(%S+)$')
    reports[n .. ':' .. t] = {acked, seen}
  end
  local list = words(terms)
  for i, term in ipairs(list) do
    local n, t, end_ms, end_seq, state = term:match('^(%d+):(%d+):%d+:(%d+):(%d+):(.)$')
    local report = reports[n .. ':' .. t]
    if report and waits(term) then
      local following = list[i + 1] and list[i + 1]:match('^%d+:%d+:(%d+)') or start
      weigh(n, state, tonumber(end_ms), tonumber(end_seq), tonumber(following), report[1], report[2])
    end
  end
end

-- One of those who joined before must know of this one: should its join be lost, that one says so. Who joined
-- later needs not: a data set that holds the one join holds the other too.
local members, earlier, known, all = {}, false, false, redis.call('HGETALL', partition)
for i = 1, #all, 2 do
  local name = all[i]:match('^lease:(.+)$')
  if name then
    local other = words(all[i + 1])
    if tonumber(other[1]) < now - 60000 then
      redis.call('HDEL', partition, all[i])
    else
      members[#members + 1] = name .. ':' .. other[2]
      if name ~= instance and tonumber(other[1]) >= now and tonumber(other[2]) < join then
        earlier = true
        known = known or tonumber(other[3]) >= join
      end
    end
  end
end
local ready = (known or not earlier) and '1' or '0'
return {'ok', number, tag, pending > 0 and '1' or '0', terms, string.format('%.0f', start), changed, mver,
        ready, table.concat(members, ' '), join}
)lua";

}  // namespace tidings::redis
