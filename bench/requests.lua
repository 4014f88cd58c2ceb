-- For wrk: GET of random addresses out of a file, the same order every time.
local requests, count = {}, 0

function init(arguments)
    for path in io.lines(arguments[1]) do
        count = count + 1
        requests[count] = wrk.format("GET", path)
    end
    math.randomseed(7)
end

function request()
    return requests[math.random(count)]
end
