#pragma once
// The script that appends: one call, up to 64 events, all or nothing in Redis' eyes. See lua_common.hpp.

#include <string_view>

namespace tidings::redis {

// KEYS[2]: the instance's tokens. Then for each item its stream, its tombstone's key and its idempotency key
// (the partition's key stands where there is none).
// ARGV: 13 serial, 14 the hub's own channel, 15 the events kept "user broadcast topic" as "=5" or "~1000",
// 16 how long tokens live in milliseconds. Then for each item twelve:
//  0 "r" retained, "u" unretained, "c" closes its topic   1 "1" user, "2" broadcast, "3" topic
//  2 channel   3 type   4 data   5 occurred_at   6 JSON between the id and the data
//  7 JSON after the position in the member `tidings`      8 digest of the body, or "": no key
//  9 id of an unretained event                           10 "1": there is a tombstone's key
// 11 the largest entry id that counts as a time
// Reply: "ok", "repeat" (this serial was answered before) or "nolease", number, tag, the items' results in
// lines: A<id> <position>, D<id or -> <position>, U<position>, C (closed), I (other body), E<sentence>.
inline constexpr std::string_view lua_append = R"lua(
local lease = redis.call('HGET', partition, 'lease:' .. instance)
if not lease or tonumber(lease:match('^%d+')) < now then
  return {'nolease', number, tag}
end
local tokens, serial, hub = KEYS[2], ARGV[13], ARGV[14]
local answered = redis.call('HGET', tokens, serial)
if answered then
  redis.call('PUBLISH', hub, 'a ' .. serial)
  return {'repeat', number, tag, answered}
end
local ages, caps, moments = words(ARGV[9]), words(ARGV[15]), words(changed)

-- The term that ran at a moment.
local function number_at(moment)
  local found = nil
  for _, term in ipairs(words(terms)) do
    local n, began = term:match('^(%d+):%d+:(%d+)')
    if found == nil or tonumber(began) <= moment then found = n end
  end
  if found == nil or start <= moment then found = number end
  return found
end

local low = tonumber(tag)
local suffix_high = string.format('%04x', 32768 + math.floor(low / 262144))

local function id_of(n, at_ms, at_seq)
  local rest = (low % 262144) * 1073741824 + n * 16384
  return string.format('%08x-%04x-7%03x-%s-%04x%08x', math.floor(at_ms / 65536), at_ms % 65536, at_seq,
                       suffix_high, math.floor(rest / 4294967296), rest % 4294967296)
end

local function text_of(n, at_ms, at_seq) return string.format('%d-%.0f-%s', n, at_ms, at_seq) end

-- Where the log stands: position text, ms and seq of its last entry; nothing where it is absent or dead.
local function last_of(stream, age)
  local found = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  if found.err then return nil, nil, nil, found.err end
  if #found == 0 then return nil end
  local last_ms, last_seq = found[1][1]:match('^(%d+)-(%d+)$')
  local fields, event_id, ours = found[1][2], nil, false
  for i = 1, #fields, 2 do
    if fields[i] == 'event_id' then event_id = fields[i + 1] end
    if fields[i] == 'tidings' then ours = true end
  end
  if tonumber(last_ms) + age < clock then
    redis.call('DEL', stream)
    return nil
  end
  local n = nil
  local tail = ours and event_id and event_id:match('^%x+%-%x+%-7%x+%-%x+%-(%x+)$')
  local same = tail and #tail == 12 and tonumber(event_id:sub(1, 8) .. event_id:sub(10, 13), 16) ==
               tonumber(last_ms) and tonumber(event_id:sub(16, 18), 16) == tonumber(last_seq)
  if same then
    local high, rest = tonumber(tail:sub(1, 6), 16), tonumber(tail:sub(7), 16)
    n = math.floor((high * 16777216 + rest) / 16384) % 65536
  end
  if n and n > number then n = nil end -- of a partition that is gone
  return text_of(n or number_at(tonumber(last_ms)), tonumber(last_ms), last_seq), tonumber(last_ms),
         tonumber(last_seq)
end

local function newborn(kind, age)
  if ARGV[12] == '1' then
    if seq > 0 then return text_of(number, ms, seq - 1) end
    return text_of(number, ms - 1, 4095)
  end
  local floor = math.max(clock - age, tonumber(moments[kind]), 0)
  -- An age that changed just now.
  if floor >= ms then return text_of(number, ms - 1, 4095) end
  return text_of(number_at(floor), floor, 0)
end

-- The item's answer from an earlier call with the same idempotency key.
local function known(key, body)
  local value = redis.pcall('GET', key)
  if not value or type(value) == 'table' then return nil end
  local expires, old, id, position = value:match('^(%d+) (%S+) (%S+) (%S+)$')
  if not expires or clock > tonumber(expires) then return nil end
  if old ~= body then return 'I' end
  return 'D' .. id .. ' ' .. position
end

local function remember(key, body, age, id, position)
  redis.call('SET', key, string.format('%.0f %s %s %s', clock + age, body, id, position), 'PX',
             math.max(1, clock - wall + age))
end

local function append(i, base)
  local stream, grave, key = KEYS[i * 3], KEYS[i * 3 + 1], KEYS[i * 3 + 2]
  local what, kind, channel = ARGV[base], tonumber(ARGV[base + 1]), ARGV[base + 2]
  local age, body = tonumber(ages[kind]), ARGV[base + 8]
  if body ~= '' then
    local before = known(key, body)
    if before then return before end
  end
  if ARGV[base + 10] == '1' then
    local stone = redis.pcall('GET', grave)
    if type(stone) ~= 'string' then stone = '' end
    local expires, id, position = stone:match('^(%d+) (%S+) (%S+)$')
    if expires and clock <= tonumber(expires) then
      if what == 'c' then return 'D' .. id .. ' ' .. position end
      return 'C'
    end
  end
  local expiry = math.max(1, clock - wall + age)
  if what == 'u' then
    local at = text_of(number, ms, seq)
    redis.call('PUBLISH', channel, '{"event_id": "' .. ARGV[base + 9] .. '"' .. ARGV[base + 6] ..
               ARGV[base + 4] .. ', "occurred_at": "' .. ARGV[base + 5] .. '", "tidings": {"v": 1, "at": "' ..
               at .. '"' .. ARGV[base + 7] .. '}')
    if body ~= '' then remember(key, body, age, '-', at) end
    return 'U' .. at
  end
  local prev, last_ms, last_seq, fault = last_of(stream, age)
  if fault then return 'E' .. fault end
  if last_ms and last_ms > tonumber(ARGV[base + 11]) then
    return 'Ethe last entry of ' .. stream .. ' has an id far beyond any time'
  end
  mint()
  if last_ms and (last_ms > ms or (last_ms == ms and last_seq >= seq)) then
    ms, seq = last_ms, last_seq + 1
    if seq > 4095 then ms, seq = ms + 1, 0 end
    clock = math.max(clock, ms)
  end
  prev = prev or newborn(kind, age)
  local id, position = id_of(number, ms, seq), text_of(number, ms, seq)
  local meta = '{"v": 1, "prev": "' .. prev .. '"' .. ARGV[base + 7]
  if what == 'c' then
    redis.call('SET', grave, string.format('%.0f %s %s', clock + age, id, position), 'PX', expiry)
    redis.call('PEXPIRE', stream, expiry)
    redis.call('PUBLISH', channel, '{"event_id": "' .. id .. '", "tidings": ' .. meta .. '}')
    return 'A' .. id .. ' ' .. position
  end
  local cap = caps[kind]
  redis.call('XADD', stream, 'MAXLEN', cap:sub(1, 1), cap:sub(2), string.format('%.0f-%d', ms, seq),
             'event_id', id, 'event_type', ARGV[base + 3], 'data', ARGV[base + 4], 'occurred_at',
             ARGV[base + 5], 'tidings', meta)
  redis.call('PEXPIRE', stream, expiry)
  redis.call('PUBLISH', channel, '{"event_id": "' .. id .. '"' .. ARGV[base + 6] .. ARGV[base + 4] ..
             ', "occurred_at": "' .. ARGV[base + 5] .. '", "tidings": ' .. meta .. '}')
  if body ~= '' then remember(key, body, age, id, position) end
  return 'A' .. id .. ' ' .. position
end

-- The first write is one that a full server refuses, so that nothing is left half done.
write_clock()
local results, count = {}, (#ARGV - 16) / 12
for i = 1, count do
  -- One item that fails must not leave the others without their answer.
  local good, result = pcall(append, i, 17 + (i - 1) * 12)
  if not good then result = 'E' .. (type(result) == 'table' and result.err or tostring(result)) end
  results[i] = result
end
write_clock()
answered = table.concat(results, '\n')
redis.call('HSET', tokens, serial, answered)
redis.call('HDEL', tokens, string.format('%.0f', tonumber(serial) - 4096))
redis.call('PEXPIRE', tokens, ARGV[16])
redis.call('PUBLISH', hub, 'a ' .. serial)
return {'ok', number, tag, answered}
)lua";

}  // namespace tidings::redis
