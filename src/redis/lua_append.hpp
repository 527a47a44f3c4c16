#pragma once
// The script that appends: one call, up to 128 events, all or nothing in Redis' eyes. See lua_common.hpp.

#include <string_view>

namespace tidings::redis {

// It is Redis' one thread that bounds how much can be published, and most of its time there goes into texts:
// Lua hashes every byte of each argument, of each text that is made and of each reply. So what several events
// have in common comes once, the small things come in one argument, and texts are made of parts that are
// kept.
//
// KEYS[2]: the instance's tokens. The keys of the items are made here.
// ARGV: 13 serial, 14 the hub's own channel, 15 the events kept "user broadcast topic" as "=5" or "~1000",
// 16 how long tokens live in milliseconds, 17 the largest entry id that counts as a time, 18 a pack
// (MessagePack) of five lists, 19 and on the items' data. An index is that of the first value in its list,
// from 1.
//  names, seven values: what the names of streams begin with, of users, broadcast and topics; so for
//  channels;
//    and for tombstones
//  audiences, five values each: 1 user, 2 broadcast, 3 topic; name, "" of the broadcast; the name as JSON
//  without
//    its quotes, or "" where it is the same; the entry id that was its log's last in the caller's term, or
//    ""; the milliseconds in it
//  shapes, four values each: "r" retained, "u" unretained, "c" closes its topic; type; JSON between the id
//  and
//    the user's id; JSON in the member `tidings` behind the audience
//  items, four values each: its audience's index, its shape's, occurred_at, its extra's index or 0
//  extras, three values each: idempotency key and digest of the body, or "" and ""; id of an unretained event
// Reply: "ok", "repeat" (this serial was answered before) or "nolease", number, tag, the items' results in
// lines: A<position> <tag> <count> (so many in a row, with sequences from there on), D<id or -> <position>,
// U<position>, C (closed), I (other body), E<sentence>.
inline constexpr std::string_view lua_append = R"lua(
local call, format, floor = redis.call, string.format, math.floor
local lease = call('HGET', partition, 'lease:' .. instance)
if not lease or tonumber(lease:match('^%d+')) < now then
  return {'nolease', number, tag}
end
local tokens, serial, hub = KEYS[2], ARGV[13], ARGV[14]
local answered = call('HGET', tokens, serial)
if answered then
  call('PUBLISH', hub, 'a ' .. serial)
  return {'repeat', number, tag, answered}
end
local ages, caps, moments = words(ARGV[9]), words(ARGV[15]), words(changed)
local exactly, most = {}, {}
for i = 1, 3 do
  ages[i], exactly[i], most[i] = tonumber(ages[i]), caps[i]:sub(1, 1), caps[i]:sub(2)
end
local last_time = tonumber(ARGV[17])
local names, audiences, shapes, items, extras = unpack(cmsgpack.unpack(ARGV[18]))
local nobody = '00000000-0000-0000-0000-000000000000'
local audience_heads = {', "audience": "user:', ', "audience": "broadcast', ', "audience": "topic:'}
-- Whether the caller's word for what was a log's last entry counts: that entry is there, or younger ones are,
-- unless the server evicts keys or its age has changed since.
local trusts = ARGV[12] ~= '1' and tonumber(ARGV[3]) == number and ARGV[4] == tag

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

-- An id is its position, the term's tag and its number; what changes with each millisecond, with each 16th
-- and each 10th sequence, is made once for them.
local digits = {[0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'}
local low = tonumber(tag)
local rest = (low % 262144) * 1073741824 + number * 16384
local id_tail = format('-%04x-%04x%08x', 32768 + floor(low / 262144), floor(rest / 4294967296),
                       rest % 4294967296)
local id_ms, id_sixteen, id_ten, id_head, entry_head = nil, nil, nil, nil, nil

-- The entry id and the id of the last position.
local function minted()
  local sixteen, ten = floor(seq / 16), floor(seq / 10)
  if id_ms ~= ms then id_ms, id_sixteen, id_ten = ms, nil, nil end
  if id_sixteen ~= sixteen then
    id_sixteen, id_head = sixteen, format('%08x-%04x-7%02x', floor(ms / 65536), ms % 65536, sixteen)
  end
  if id_ten ~= ten then
    id_ten, entry_head = ten, ten == 0 and format('%.0f-', ms) or format('%.0f-%d', ms, ten)
  end
  return entry_head .. digits[seq % 10], id_head .. digits[seq % 16] .. id_tail
end

local function text_of(n, at_ms, at_seq) return format('%d-%.0f-%s', n, at_ms, at_seq) end
local term_head = format('%d-', number)

-- Where the log stands: position text, ms and seq of its last entry; nothing where it is absent or dead.
-- `trusted`: an entry id; only a younger entry is looked for, since reading one costs more than writing it.
local function last_of(stream, age, trusted)
  local found = redis.pcall('XREVRANGE', stream, '+', trusted and '(' .. trusted or '-', 'COUNT', '1')
  if found.err then return nil, nil, nil, found.err end
  found = found[1]
  if not found then return trusted and term_head .. trusted or nil end
  local entry, fields = found[1], found[2]
  local dash = entry:find('-', 1, true)
  local seq_text = entry:sub(dash + 1)
  local last_ms, last_seq = tonumber(entry:sub(1, dash - 1)), tonumber(seq_text)
  if last_ms + age < clock then
    call('DEL', stream)
    return nil
  end
  local event_id, ours = nil, false
  if fields[1] == 'event_id' and fields[9] == 'tidings' and not fields[11] then
    event_id, ours = fields[2], true -- as this script writes them
  else
    for i = 1, #fields, 2 do
      if fields[i] == 'event_id' then event_id = fields[i + 1] end
      if fields[i] == 'tidings' then ours = true end
    end
  end
  if ours and last_seq < 4096 and last_ms <= last_time and event_id == format('%08x-%04x-7%03x',
     floor(last_ms / 65536), last_ms % 65536, last_seq) .. id_tail then
    return term_head .. entry, last_ms, last_seq
  end
  local n = nil
  local tail = ours and event_id and event_id:match('^%x+%-%x+%-7%x+%-%x+%-(%x+)$')
  local same = tail and #tail == 12 and
               tonumber(event_id:sub(1, 8) .. event_id:sub(10, 13), 16) == last_ms and
               tonumber(event_id:sub(16, 18), 16) == last_seq
  if same then
    local high, lower = tonumber(tail:sub(1, 6), 16), tonumber(tail:sub(7), 16)
    n = floor((high * 16777216 + lower) / 16384) % 65536
  end
  if n and n > number then n = nil end -- of a partition that is gone
  return text_of(n or number_at(last_ms), last_ms, seq_text), last_ms, last_seq
end

local function newborn(kind, age)
  if ARGV[12] == '1' then
    if seq > 0 then return text_of(number, ms, seq - 1) end
    return text_of(number, ms - 1, 4095)
  end
  local floor_ms = math.max(clock - age, tonumber(moments[kind]), 0)
  -- An age that changed just now.
  if floor_ms >= ms then return text_of(number, ms - 1, 4095) end
  return text_of(number_at(floor_ms), floor_ms, 0)
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

local function expiry_of(age) return math.max(1, clock - wall + age) end

local function remember(key, body, age, id, position)
  call('SET', key, format('%.0f %s %s %s', clock + age, body, id, position), 'PX', expiry_of(age))
end

-- The answer to an item for a topic that is finished; nothing: it is not.
local function finished(grave, what)
  local stone = redis.pcall('GET', grave)
  if type(stone) ~= 'string' then return nil end
  local expires, id, position = stone:match('^(%d+) (%S+) (%S+)$')
  if not expires or clock > tonumber(expires) then return nil end
  return what == 'c' and 'D' .. id .. ' ' .. position or 'C'
end

-- By audience: the last entry id of its log, of an event of this call.
local ends = {}
-- The results; those of events in a row are one line.
local lines, row_ms, row_seq, row = {}, 0, 0, 0
local function end_row()
  if row > 0 then lines[#lines + 1] = 'A' .. text_of(number, row_ms, row_seq) .. ' ' .. tag .. ' ' .. row end
  row = 0
end

-- Nothing: the last position was given to it.
local function append(at, data)
  local a, s, occurred, x = items[at], items[at + 1], items[at + 2], items[at + 3]
  local kind, name, json = audiences[a], audiences[a + 1], audiences[a + 2]
  if json == '' then json = name end
  local channel = names[kind + 3] .. name
  local what, age, key, body, grave = shapes[s], ages[kind], '', '', nil
  if x > 0 then
    key, body = extras[x], extras[x + 1]
    local before = body ~= '' and known(key, body)
    if before then return before end
  end
  if kind == 3 then
    grave = names[7] .. name
    local over = finished(grave, what)
    if over then return over end
  end
  local whose = kind == 1 and json or nobody
  if what == 'u' then
    local position = text_of(number, ms, seq)
    call('PUBLISH', channel, '{"event_id": "' .. extras[x + 2] .. '"' .. shapes[s + 2] .. whose ..
         '", "data": ' .. data .. ', "occurred_at": "' .. occurred ..
         '", "tidings": {"v": 1, "at": "' .. position .. '"' ..
         audience_heads[kind] .. json .. shapes[s + 3] .. '}')
    if body ~= '' then remember(key, body, age, '-', position) end
    return 'U' .. position
  end
  local stream, prev = names[kind] .. name, ends[a]
  if prev then
    prev = term_head .. prev
    mint()
  else
    local trusted, last_ms, last_seq, fault = audiences[a + 3], nil, nil, nil
    if trusted ~= '' and trusts and audiences[a + 4] > tonumber(moments[kind]) and
       audiences[a + 4] + age > clock + 1000 then
      prev, last_ms, last_seq, fault = last_of(stream, age, trusted)
    else
      prev, last_ms, last_seq, fault = last_of(stream, age)
    end
    if fault then return 'E' .. fault end
    if last_ms and last_ms > last_time then
      return 'Ethe last entry of ' .. stream .. ' has an id far beyond any time'
    end
    mint()
    if last_ms and (last_ms > ms or (last_ms == ms and last_seq >= seq)) then
      ms, seq = last_ms, last_seq + 1
      if seq > 4095 then ms, seq = ms + 1, 0 end
      clock = math.max(clock, ms)
    end
    prev = prev or newborn(kind, age)
  end
  local entry, id = minted()
  local meta = '{"v": 1, "prev": "' .. prev .. '"' .. audience_heads[kind] .. json .. shapes[s + 3]
  if what == 'c' then
    local expiry = expiry_of(age)
    call('SET', grave, format('%.0f %s %s', clock + age, id, term_head .. entry), 'PX', expiry)
    call('PEXPIRE', stream, expiry)
    call('PUBLISH', channel, '{"event_id": "' .. id .. '", "tidings": ' .. meta .. '}')
    return nil
  end
  call('XADD', stream, 'MAXLEN', exactly[kind], most[kind], entry, 'event_id', id, 'event_type',
       shapes[s + 1], 'data', data, 'occurred_at', occurred, 'tidings', meta)
  ends[a] = entry
  call('PUBLISH', channel, '{"event_id": "' .. id .. '"' .. shapes[s + 2] .. whose ..
       '", "data": ' .. data .. ', "occurred_at": "' .. occurred .. '", "tidings": ' .. meta .. '}')
  if body ~= '' then remember(key, body, age, id, term_head .. entry) end
  return nil
end

-- The first write is one that a full server refuses, so that nothing is left half done.
write_clock()
for i = 1, #ARGV - 18 do
  -- One item that fails must not leave the others without their answer.
  local good, result = pcall(append, i * 4 - 3, ARGV[18 + i])
  if not good then result = 'E' .. (type(result) == 'table' and result.err or tostring(result)) end
  if result then
    end_row()
    lines[#lines + 1] = result
  elseif row > 0 and row_ms == ms and row_seq + row == seq then
    row = row + 1
  else
    end_row()
    row_ms, row_seq, row = ms, seq, 1
  end
end
end_row()
write_clock()
local expiries = {}
for kind = 1, 3 do expiries[kind] = format('%.0f', expiry_of(ages[kind])) end
for a in pairs(ends) do
  local kind = audiences[a]
  call('PEXPIRE', names[kind] .. audiences[a + 1], expiries[kind])
end
answered = table.concat(lines, '\n')
call('HSET', tokens, serial, answered)
call('HDEL', tokens, format('%.0f', tonumber(serial) - 4096))
call('PEXPIRE', tokens, ARGV[16])
call('PUBLISH', hub, 'a ' .. serial)
return {'ok', number, tag, answered}
)lua";

}  // namespace tidings::redis
