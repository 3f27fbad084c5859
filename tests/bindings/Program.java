// SPDX-License-Identifier: Apache-2.0
// jzmq, through JNI: requests over tcp, parts over inproc, a poller.
import org.zeromq.ZMQ;

public class Program {
    public static void main(String[] arguments) {
        ZMQ.Context context = ZMQ.context(1);
        ZMQ.Socket rep = context.socket(ZMQ.REP);
        ZMQ.Socket req = context.socket(ZMQ.REQ);
        int port = rep.bindToRandomPort("tcp://127.0.0.1");

        req.connect("tcp://127.0.0.1:" + port);
        for (int i = 0; i < 100; i++) {
            req.send("question");
            if (!rep.recvStr().equals("question")) {
                System.out.println("no question");
            }
            rep.send("answer");
            if (!req.recvStr().equals("answer")) {
                System.out.println("no answer");
            }
        }

        ZMQ.Socket push = context.socket(ZMQ.PUSH);
        ZMQ.Socket pull = context.socket(ZMQ.PULL);
        push.bind("inproc://parts");
        pull.connect("inproc://parts");
        push.sendMore("first");
        push.send("second");
        ZMQ.Poller poller = new ZMQ.Poller(1);
        poller.register(pull, ZMQ.Poller.POLLIN);
        if (poller.poll() != 1 || !poller.pollin(0)) {
            System.out.println("nothing to read");
        }
        if (!pull.recvStr().equals("first") || !pull.hasReceiveMore()
                || !pull.recvStr().equals("second")) {
            System.out.println("parts are missing");
        }
        if (pull.recv(ZMQ.DONTWAIT) != null) {
            System.out.println("something came");
        }
        for (ZMQ.Socket socket : new ZMQ.Socket[] {rep, req, push, pull}) {
            socket.close();
        }
        context.term();
        System.out.println("ok");
    }
}
