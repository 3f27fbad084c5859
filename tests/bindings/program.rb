# SPDX-License-Identifier: Apache-2.0
# ffi-rzmq: requests over tcp, parts over inproc, a poller, errors.
require "ffi-rzmq"

context = ZMQ::Context.new
rep = context.socket(ZMQ::REP)
req = context.socket(ZMQ::REQ)
rep.bind("tcp://127.0.0.1:*")
endpoint = []
rep.getsockopt(ZMQ::LAST_ENDPOINT, endpoint)
req.connect(endpoint[0].delete("\0"))
100.times do
  text = +""
  req.send_string("question")
  rep.recv_string(text)
  puts "got #{text}" unless text == "question"
  rep.send_string("answer")
  req.recv_string(text)
  puts "got #{text}" unless text == "answer"
end

push = context.socket(ZMQ::PUSH)
pull = context.socket(ZMQ::PULL)
push.bind("inproc://parts")
pull.connect("inproc://parts")
push.send_strings(%w[first second])
poller = ZMQ::Poller.new
poller.register_readable(pull)
puts "nothing to read" unless poller.poll(:blocking) == 1
parts = []
pull.recv_strings(parts)
puts "parts are missing" unless parts == %w[first second]
puts "something came" unless pull.recv_string(+"", ZMQ::DONTWAIT) == -1
puts "another error" unless ZMQ::Util.errno == ZMQ::EAGAIN
puts "no error" unless pull.connect("nonsense") == -1
[rep, req, push, pull].each(&:close)
context.terminate
version = LibZMQ.version
puts "#{version[:major]}.#{version[:minor]}.#{version[:patch]} ok"
