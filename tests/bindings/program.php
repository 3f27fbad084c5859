<?php
// SPDX-License-Identifier: Apache-2.0
// php-zmq: requests over tcp, parts over ipc, a poll, errors.
$context = new ZMQContext();
$rep = new ZMQSocket($context, ZMQ::SOCKET_REP);
$req = new ZMQSocket($context, ZMQ::SOCKET_REQ);
$rep->bind("tcp://127.0.0.1:*");
$req->connect($rep->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
for ($i = 0; $i < 100; $i++) {
    $req->send("question");
    if ($rep->recv() !== "question") {
        echo "no question\n";
    }
    $rep->send("answer");
    if ($req->recv() !== "answer") {
        echo "no answer\n";
    }
}

$push = $context->getSocket(ZMQ::SOCKET_PUSH);
$pull = $context->getSocket(ZMQ::SOCKET_PULL);
$push->bind("inproc://parts");
$pull->connect("inproc://parts");
$push->sendMulti(["first", "second"]);
$poll = new ZMQPoll();
$poll->add($pull, ZMQ::POLL_IN);
$readable = $writable = [];
if ($poll->poll($readable, $writable, -1) !== 1 || $readable[0] !== $pull) {
    echo "nothing to read\n";
}
if ($pull->recvMulti() !== ["first", "second"]) {
    echo "parts are missing\n";
}
if ($pull->recv(ZMQ::MODE_DONTWAIT) !== false) {
    echo "something came\n";
}
try {
    $pull->connect("nonsense");
    echo "no error\n";
} catch (ZMQSocketException $error) {
    if (strpos($error->getMessage(), "Invalid argument") === false) {
        echo $error->getMessage(), "\n";
    }
}
echo "ok\n";
