#pragma once
// What every script begins with: the partition's clock and its terms. One Lua text; see scripts.hpp.

#include <string_view>

namespace tidings::redis {

// KEYS[1]: the partition's hash. ARGV, the same for every script:
//  1 run_id of the server, as this connection was told   2 the hub's instance
//  3 number, 4 tag of the newest term the hub knows (0, 0: none)
//  5 a random tag, should a term begin                   6 the server's address
//  7 "1": it syncs every write before it answers         8 "1": it was a replica and was promoted
//  9 ages "user broadcast topic" in milliseconds        10 the time in milliseconds, or "" for the server's
// 11 "1": others append to these logs too               12 "1": it may evict keys
// The script's own arguments follow from 13 on.
//
// Every reply begins with: status, number, tag.
inline constexpr std::string_view lua_common = R"lua(
local partition = KEYS[1]
-- Another reign begins with another process, and each time one becomes the master: then its second
-- replication id is that of the master before it.
local instance = ARGV[2]
local reign = ARGV[1] .. ':' .. (redis.call('INFO', 'replication'):match('master_replid2:(%x+)') or '')
local seconds = redis.call('TIME')
local now = tonumber(seconds[1]) * 1000 + math.floor(tonumber(seconds[2]) / 1000)
local wall = ARGV[10] ~= '' and tonumber(ARGV[10]) or now

local kept = redis.call('HMGET', partition, 'number', 'tag', 'ms', 'seq', 'reign', 'terms', 'start', 'at',
                        'pending', 'ages', 'changed', 'server', 'durable')
local number, tag = tonumber(kept[1] or 0), kept[2]
local ms, seq = tonumber(kept[3] or 0), tonumber(kept[4] or 0)
local terms, start, pending = kept[6] or '', tonumber(kept[7] or 0), tonumber(kept[9] or 0)
local changed = kept[11] or '0 0 0'

local function words(text)
  local list = {}
  for word in text:gmatch('%S+') do list[#list + 1] = word end
  return list
end

local function write_clock()
  redis.call('HSET', partition, 'ms', string.format('%.0f', ms), 'seq', seq, 'at', now)
end

-- "instance:join" of every writer whose lease held when the data set was last written.
local function holders(moment)
  local list, all = {}, redis.call('HGETALL', partition)
  for i = 1, #all, 2 do
    local name = all[i]:match('^lease:(.+)$')
    if name then
      local lease = words(all[i + 1])
      if tonumber(lease[1]) >= moment then list[#list + 1] = name .. ':' .. lease[2] end
    end
  end
  return list
end

-- Whether an ended term waits for reports: "p" is open without them, "q" sealed (its server syncs every
-- write; only a report of more says that an older data set was put in its place).
local function waits(term) return term:sub(-1) == 'p' or term:sub(-1) == 'q' end

-- What waited for reports of a term is over: "s" sealed, perhaps with a later end, or "o" open.
local function decide(n, state, later)
  local left, waiting = {}, false
  for _, term in ipairs(words(terms)) do
    if term:match('^%d+') == n then
      if later then term = term:match('^%d+:%d+:%d+:') .. later .. ':p' end
      term = term:sub(1, -2) .. state
    end
    waiting = waiting or waits(term)
    left[#left + 1] = term
  end
  terms = table.concat(left, ' ')
  if not waiting then pending = 0 end
  redis.call('HSET', partition, 'terms', terms, 'pending', pending)
  redis.call('HDEL', partition, 'required:' .. n, 'base:' .. n)
  for _, field in ipairs(redis.call('HKEYS', partition)) do
    if field:sub(1, 8 + #n) == 'report:' .. n .. ':' then redis.call('HDEL', partition, field) end
  end
end

-- Ended terms are forgotten when no cursor of theirs can find anything any more.
local function without_old(text)
  local keep = 0
  for _, age in ipairs(words(ARGV[9])) do keep = math.max(keep, tonumber(age)) end
  local left = {}
  for _, term in ipairs(words(text)) do
    local began, ended = term:match('^%d+:%d+:(%d+):(%d+)')
    ended = math.max(tonumber(began), tonumber(ended))
    if ended + keep >= wall or waits(term) then left[#left + 1] = term end
  end
  return table.concat(left, ' ')
end

local function begin_term()
  local ended = tostring(number)
  local required, state = {}, 'o'
  if number > 0 then
    local durable = kept[13] == '1' and kept[12] == ARGV[6] and ARGV[8] == '0' and ARGV[7] == '1'
    required = holders(tonumber(kept[8] or 0))
    if #required > 0 then state = durable and 'q' or 'p' elseif durable then state = 's' end
    terms = terms .. string.format(' %d:%s:%.0f:%.0f:%d:%s', number, tag, start, ms, seq, state)
  end
  -- A term that the caller knew and this data set does not is over too, from its beginning, and open: whoever
  -- was acknowledged something in it may have left since. Others who knew it find it here, and begin none of
  -- their own.
  if tonumber(ARGV[3]) > number then
    ms = math.max(wall, ms)
    terms = terms .. string.format(' %s:%s:%.0f:0:0:o', ARGV[3], ARGV[4], ms)
  end
  number = math.max(number, tonumber(ARGV[3])) + 1
  tag, terms = ARGV[5], without_old(terms)
  start = number == 1 and wall or math.max(wall, ms + 1)
  ms, seq = start, 0
  if #required > 0 then
    pending = now + 10000
    redis.call('HSET', partition, 'required:' .. ended, table.concat(required, ' '), 'base:' .. ended,
               redis.call('HGET', partition, 'mver') or '0')
  end
  redis.call('HSET', partition, 'v', 1, 'number', number, 'tag', tag, 'start', string.format('%.0f', start),
             'reign', reign, 'terms', terms, 'pending', pending, 'server', ARGV[6], 'durable', ARGV[7])
  write_clock()
end

local function knows(known, known_tag)
  if known == '0' or (tonumber(known) == number and known_tag == tag) then return true end
  return (' ' .. terms):find(' ' .. known .. ':' .. known_tag .. ':', 1, true) ~= nil
end

if number >= 65535 or tonumber(ARGV[3]) >= 65535 then
  return redis.error_reply('TERMS the numbers of terms are used up; stop all hubs and delete ' .. partition)
end
if number == 0 or kept[5] ~= reign or not knows(ARGV[3], ARGV[4]) then begin_term() end
if pending > 0 and now >= pending then
  for _, term in ipairs(words(terms)) do
    if waits(term) then decide(term:match('^%d+'), term:sub(-1) == 'q' and 's' or 'o') end
  end
end
-- A term is durable only if it was so all the time.
if kept[13] == '1' and ARGV[7] ~= '1' then redis.call('HSET', partition, 'durable', 0) end

-- The clock never goes back. An age that was changed lets no floor lie before that moment.
local clock = math.max(wall, ms)
if kept[10] ~= ARGV[9] then
  if kept[10] then
    local before, after, moments = words(kept[10]), words(ARGV[9]), words(changed)
    for i = 1, 3 do
      if before[i] ~= after[i] then moments[i] = string.format('%.0f', clock) end
    end
    changed = table.concat(moments, ' ')
  end
  redis.call('HSET', partition, 'ages', ARGV[9], 'changed', changed)
end

-- Strictly above everything that was minted before.
local function mint()
  if clock > ms then
    ms, seq = clock, 0
  elseif seq >= 4095 then
    ms, seq = ms + 1, 0
  else
    seq = seq + 1
  end
end
)lua";

}  // namespace tidings::redis
