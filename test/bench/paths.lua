-- wrk: every request of another path, on a connection of its own.
local requests = {}

-- Made ahead: formatting them on the way would be what is measured.
init = function()
  for path in io.lines(os.getenv("MACHINES")) do
    requests[#requests + 1] = wrk.format("GET", path, { Connection = "close" })
  end
  math.randomseed(1)
end

request = function() return requests[math.random(#requests)] end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
