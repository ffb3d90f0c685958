-- wrk: every request of another machine, every one on a connection of its own.
local machines = {}
for line in io.lines(os.getenv("MACHINES")) do
  local capability, mac = line:match("(%S+) (%S+)")
  machines[#machines + 1] = { path = "/node/v1/metadata?mac=" .. mac, token = "Bearer " .. capability }
end
math.randomseed(1)

request = function()
  local machine = machines[math.random(#machines)]
  return wrk.format("GET", machine.path, { Authorization = machine.token, Connection = "close" })
end

local failed = 0
response = function(status)
  if status ~= 200 then failed = failed + 1 end
end

local threads = {}
setup = function(thread) table.insert(threads, thread) end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
