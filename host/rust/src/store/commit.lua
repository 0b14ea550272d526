-- Tidegate's commit script: applies commits, each the log of one or more policy runs, whole or not
-- at all.
--
-- This one file serves the hosts of all languages. What each operation means is written in
-- wit/kv.wit.
--
-- KEYS  the cells' keys, all of one cluster slot, no key twice; those of one commit after those of
--       the one before
-- ARGV  for one commit its log; for several the log of each, followed by the number of its cells
--
-- A log is a MessagePack array: the commit's time in microseconds since 1970, then the operations
-- one after the other. Cells are counted from 1, in each commit anew. Numbers are integers from 0
-- to 2^53, larger ones are written as 2^53. A ttl is decimal text, from '1' to what Redis takes.
--
--   1, cell, expected (text or false)                       get
--   2, cell                                                 observe
--   3, cell, value (text or false), ttl_ms                  put
--   4, cell, amount, floor, ceiling, ttl_ms, fits           advance
--   5, cell, step, floor                                    retreat
--   6, cell, to, ttl_ms                                     raise
--
-- The amount of an advance that is said to fit n times in a row is n * step, or 2^53 + 2 where that
-- is above 2^53; of one that is said not to fit it is step.
--
-- Reply: for several commits an array of what it would be for each, and for one an array of an
-- outcome, the server's clock in microseconds, the number of cells that held foreign values, and
--   outcome 0, applied: in the order of the operations, for an observe the text or nil, for an
--     advance the number it started from, for a retreat and a raise the new number; nothing for the
--     others
--   outcome 1, refused: for each cell its text or nil, as stored; nothing was written
--   outcome 2, untimely: nothing more; nothing was written
--
-- Nothing of a commit is written before all its operations were checked, and each cell is read once
-- and written at most once. Commits do not depend on each other: one that is refused leaves the
-- others alone.

local MAX_LAG_US = 1000000
local MAX_NUMBER = 9007199254740992
local MAX_BYTES = 1048576

local call, find, format = redis.call, string.find, string.format

local time = call('TIME')
local clock = time[1] * 1000000 + time[2]

-- What the cells hold by now. text: false where absent; nil where only the number is known. It is
-- written in full digits, because Lua's own
--   conversion rounds numbers above 1e14.
local text = KEYS[1] and call('MGET', unpack(KEYS)) or {}

local commits = cmsgpack.unpack(ARGV[1])
local is_one = type(commits[1]) == 'number'
if is_one then commits = {commits, #KEYS} end
local replies, first = {clock}, 0
for i = 1, #commits, 2 do
  local log, cells, reply = commits[i], commits[i + 1], false
  if log[1] > clock or clock - log[1] > MAX_LAG_US then
    reply = {2, clock, 0}
  elseif #log == 8 and log[2] == 4 and log[8] then
    -- Most commits by far are one advance that fits. They are settled here, without all that the
    -- others need, which spares the server a fifth of its work. What is not as simple as that goes
    -- on below, as if this were not here.
    local cell, amount, base = first + log[3], log[4], log[5]
    local value = text[cell]
    local n = not value and 0 or #value <= 16 and find(value, '^[1-9]%d*$') and tonumber(value)
    if n and n < MAX_NUMBER then
      if n > base then base = n end
      if amount > 0 and amount <= log[6] - base then
        call('SET', KEYS[cell], format('%.0f', base + amount), 'PX', log[7])
        reply = is_one and {0, clock, 0, base} or base
      end
    end
  end

  if not reply then
    -- number: false where there is none; nil where the text was not looked at yet.
    -- ttl: of what must be written; false to keep the expiry; nil where nothing must be written.
    local number, ttl = {}, {}
    -- Cells that were found readable; that were asked for their expiry, true if they have none;
    -- that held foreign values.
    local readable, lasting, foreign = {}, {}, {}

    local function read_text(cell)
      local value = text[cell]
      if value == nil then
        value = format('%.0f', number[cell])
        text[cell] = value
      elseif value and not readable[cell] then
        local rest = value
        if #value <= MAX_BYTES and find(value, '[\128-\255]') then
          for _, form in ipairs({
            '[\194-\223][\128-\191]',
            '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]', '\237[\128-\159][\128-\191]',
            '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
            '\244[\128-\143][\128-\191][\128-\191]',
          }) do
            -- A character of UTF-8 is replaced, not removed: that could join the halves of two
            -- broken ones.
            rest = string.gsub(rest, form, '.')
          end
        end
        readable[cell] = #value <= MAX_BYTES and not find(rest, '[\128-\255]')
        if not readable[cell] then
          value, text[cell], number[cell], foreign[cell] = false, false, false, true
        end
      end
      return value
    end

    local function read_number(cell)
      local n, value = false, text[cell]
      if value then
        if #value <= 16 and (find(value, '^[1-9]%d*$') or value == '0') then
          n = tonumber(value)
          -- 2^53 + 1 reads as 2^53.
          if n > MAX_NUMBER or (n == MAX_NUMBER and value ~= format('%.0f', n)) then n = false end
        end
        if not n then foreign[cell] = true end
      end
      number[cell] = n
      return n
    end

    reply = {0, clock, 0}
    local told, holds = 3, true
    local at, last = 2, #log
    while holds and at <= last do
      local op, cell = log[at], first + log[at + 1]
      if op == 1 then
        local expected = log[at + 2]
        holds = text[cell] == expected or read_text(cell) == expected
        at = at + 3
      elseif op == 4 then
        local amount, floor, ceiling = log[at + 2], log[at + 3], log[at + 4]
        local base = number[cell]
        if base == nil then base = read_number(cell) end
        if not base or base < floor then base = floor end
        -- Subtracted, because base + amount may be above 2^53 and then rounds to what might fit.
        local fits = amount <= ceiling - base
        -- Every key of ours expires: a number that never will is a stranger's and must not deny.
        if not fits and base > floor and not ttl[cell] and lasting[cell] == nil then
          lasting[cell] = call('PTTL', KEYS[cell]) == -1
          if lasting[cell] then
            text[cell], number[cell], ttl[cell], foreign[cell] = false, false, nil, true
            base = floor
            fits = amount <= ceiling - base
          end
        end
        holds = fits == log[at + 6]
        if fits and amount > 0 then
          text[cell], number[cell], ttl[cell] = nil, base + amount, log[at + 5]
        end
        told = told + 1
        reply[told] = base
        at = at + 7
      elseif op == 3 then
        text[cell], number[cell], ttl[cell] = log[at + 2], nil, log[at + 3]
        at = at + 4
      elseif op == 2 then
        told = told + 1
        reply[told] = read_text(cell)
        at = at + 2
      elseif op == 6 then
        local to = log[at + 2]
        local n = number[cell]
        if n == nil then n = read_number(cell) end
        n = n or 0
        if n < to then
          n = to
          text[cell], number[cell], ttl[cell] = nil, to, log[at + 3]
        end
        told = told + 1
        reply[told] = n
        at = at + 4
      else
        local step, floor = log[at + 2], log[at + 3]
        local n = number[cell]
        if n == nil then n = read_number(cell) end
        if n and n > floor then
          n = math.max(n - step, floor)
          text[cell], number[cell] = nil, n
          if ttl[cell] == nil then ttl[cell] = false end
        end
        told = told + 1
        reply[told] = n or floor
        at = at + 4
      end
    end

    if holds then
      local dead = {}
      for cell, ms in pairs(ttl) do
        local value = text[cell]
        if value == nil then value = format('%.0f', number[cell]) end
        if not value then
          dead[#dead + 1] = KEYS[cell]
        elseif ms then
          call('SET', KEYS[cell], value, 'PX', ms)
        else
          call('SET', KEYS[cell], value, 'KEEPTTL')
        end
      end
      -- Last: a SET may be refused, for want of memory or of rights, and then nothing may have been
      -- written.
      if dead[1] then call('DEL', unpack(dead)) end
    else
      -- Whoever is told goes by it, so a number that may stand in the way must be one of ours.
      local width, seen = {3, 2, 4, 7, 4, 4}, {}
      at = 2
      while at <= last do
        local op, cell = log[at], first + log[at + 1]
        local value = op == 4 and not seen[cell] and lasting[cell] == nil and text[cell]
        if value and #value <= 16 and find(value, '^[1-9]%d*$') and tonumber(value) > log[at + 3] then
          lasting[cell] = call('PTTL', KEYS[cell]) == -1
          if lasting[cell] then foreign[cell] = true end
        end
        seen[cell] = true
        at = at + width[op]
      end
      local stored = call('MGET', unpack(KEYS, first + 1, first + cells))
      reply, number, readable = {1, clock, 0}, {}, {}
      for i = 1, cells do
        text[first + i] = stored[i]
        reply[i + 3] = not lasting[first + i] and read_text(first + i)
      end
    end
    for _ in pairs(foreign) do reply[3] = reply[3] + 1 end
  end
  if is_one then return reply end
  replies[#replies + 1] = reply
  first = first + cells
end
return replies
