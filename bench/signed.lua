-- For wrk with one thread: signed requests out of a file that bench_signed wrote, each once, and then it ends.
local requests, next_one = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        local path, input, signature, to = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
        requests[#requests + 1] = wrk.format("GET", path,
            {["Signature-Input"] = input, ["Signature"] = signature, ["Tongzhou-To"] = to})
    end
end

function request()
    next_one = next_one + 1
    if next_one >= #requests then
        wrk.thread:stop()
    end
    return requests[next_one > #requests and #requests or next_one]
end
