-- wrk: every request is another line of the file, `PATH [CAPABILITY]`; on a connection of its own, unless CONNECTION is keep-alive.
local requests = {}

-- Made ahead: formatting them on the way would be what is measured.
init = function()
  for line in io.lines(os.getenv("REQUESTS")) do
    local path, capability = line:match("(%S+) ?(%S*)")
    local headers = { Connection = os.getenv("CONNECTION") }
    if capability ~= "" then headers.Authorization = "Bearer " .. capability end
    requests[#requests + 1] = wrk.format("GET", path, headers)
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
