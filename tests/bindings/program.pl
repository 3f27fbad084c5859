# SPDX-License-Identifier: Apache-2.0
# ZMQ::FFI: requests over tcp, parts, publish and subscribe, errors.
use strict;
use warnings;
use ZMQ::FFI;
use ZMQ::FFI::Constants qw(ZMQ_REQ ZMQ_REP ZMQ_PUSH ZMQ_PULL ZMQ_PUB ZMQ_SUB
  ZMQ_LAST_ENDPOINT ZMQ_LINGER);

my $context = ZMQ::FFI->new(soname => "libzmq.so.5");
my $rep = $context->socket(ZMQ_REP);
my $req = $context->socket(ZMQ_REQ);
$rep->bind("tcp://127.0.0.1:*");
my $endpoint = $rep->get(ZMQ_LAST_ENDPOINT, "string");
$req->connect($endpoint);
for (1 .. 100) {
    $req->send("question");
    print "no question\n" if $rep->recv() ne "question";
    $rep->send("answer");
    print "no answer\n" if $req->recv() ne "answer";
}

my $push = $context->socket(ZMQ_PUSH);
my $pull = $context->socket(ZMQ_PULL);
$push->bind("inproc://parts");
$pull->connect("inproc://parts");
$push->send_multipart([qw(first second third)]);
print "parts are missing\n" if join(" ", $pull->recv_multipart()) ne "first second third";
print "something is there\n" if $pull->has_pollin();

my $pub = $context->socket(ZMQ_PUB);
my $sub = $context->socket(ZMQ_SUB);
$pub->bind("inproc://news");
$sub->connect("inproc://news");
$sub->subscribe("a");
until ($sub->has_pollin()) {
    $pub->send("b");
    $pub->send("abc");
}
print "not what was wanted\n" if $sub->recv() ne "abc";

eval { $pull->connect("nonsense") };
print "no error\n" unless $@ =~ /Invalid argument/;
$_->close() for ($rep, $req, $push, $pull, $pub, $sub);
my @version = $context->version();
print join(".", @version), " ok\n";
