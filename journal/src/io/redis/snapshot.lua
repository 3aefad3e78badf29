-- Writes one slice of a snapshot. Several dispatchers write snapshots of one log, each at its own
-- pace: neither the mark nor a row goes back to what an earlier offset knew. And none writes what it has
-- folded of a log that this one is no more.
--
-- KEYS: rows, mark, alert log.
-- ARGV: resume_at or '', now in ms, what tells the entry before resume_at or '', the last entry that was
-- folded (its number, when it was committed, its bytes; or '' three times), up to where an earlier snapshot
-- has everything, count of rows, then key and value of each, then keys to delete.
-- A value begins with the offset that it has folded up to, as 8 bytes (little-endian).
-- Answers 'ok', or 'ahead' and the end of the alert log, or 'rewound' and the offset of the entry that is not
-- there, or 'lost' and where the snapshot ends that is there.

local function folded_to(value)
  -- A number of Lua holds offsets up to 2^53, some hundred thousand years of a nation's alerts.
  return #value >= 8 and (struct.unpack('<I8', value)) or 0
end

local function end_of_log()
  local info = redis.pcall('XINFO', 'STREAM', KEYS[3])
  if info.err then return 0 end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      return tonumber(string.match(info[i + 1], '^0%-(%d+)$') or '0')
    end
  end
  return 0
end

-- Whether the entry with this number is there, with these bytes and this time.
local function is_there(number, at_ms, bytes)
  local id = '0-' .. number
  local found = redis.call('XRANGE', KEYS[3], id, id)[1]
  if not found then return false end
  local fields = {}
  for i = 1, #found[2], 2 do
    fields[found[2][i]] = found[2][i + 1]
  end
  return fields['entry'] == bytes and fields['at_ms'] == at_ms
end

if ARGV[4] ~= '' and not is_there(ARGV[4], ARGV[5], ARGV[6]) then
  return { 'rewound', string.format('%.0f', tonumber(ARGV[4]) - 1) }
end

local marked = tonumber(redis.call('HGET', KEYS[2], 'resume_at') or '0')
if tonumber(ARGV[7]) > marked then
  return { 'lost', string.format('%.0f', marked) }
end

local resume_at = tonumber(ARGV[1])
if resume_at and resume_at > end_of_log() then
  return { 'ahead', string.format('%.0f', end_of_log()) }
end

-- For who reads meanwhile, a page after the other.
redis.call('HSET', KEYS[2], 'writes', tonumber(redis.call('HGET', KEYS[2], 'writes') or '0') + 1)

local after_rows = 9 + 2 * tonumber(ARGV[8])
for i = 9, after_rows - 1, 2 do
  local key, value = ARGV[i], ARGV[i + 1]
  local old = redis.call('HGET', KEYS[1], key)
  if folded_to(value) >= marked and not (old and folded_to(old) > folded_to(value)) then
    redis.call('HSET', KEYS[1], key, value)
  end
end

for i = after_rows, #ARGV do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if old and not (resume_at and folded_to(old) > resume_at) then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end

if resume_at and resume_at >= marked then
  redis.call('HSET', KEYS[2], 'resume_at', ARGV[1], 'confirmed_at_ms', ARGV[2], 'behind', ARGV[3])
end
return { 'ok' }
