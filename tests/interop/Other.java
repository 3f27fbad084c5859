// SPDX-License-Identifier: Apache-2.0
// What other.py does, with JeroMQ: Other ROLE KIND ENDPOINT bind|connect N

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.zeromq.ZMQ;

public class Other {
    static List<byte[]> content(int i) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(Integer.toString(i).getBytes());
        if (i % 3 != 0) {
            byte[] body = new byte[i % 700];
            Arrays.fill(body, (byte) 'x');
            parts.add(body);
            parts.add(new byte[0]);
            parts.add("end".getBytes());
        }
        return parts;
    }

    static void send(ZMQ.Socket socket, List<byte[]> parts) {
        for (int k = 0; k < parts.size(); k++) {
            if (!socket.send(parts.get(k), k + 1 < parts.size() ? ZMQ.SNDMORE : 0)) {
                throw new IllegalStateException("not sent");
            }
        }
    }

    static List<byte[]> recv(ZMQ.Socket socket) {
        List<byte[]> parts = new ArrayList<>();
        do {
            parts.add(socket.recv(0));
        } while (socket.hasReceiveMore());
        return parts;
    }

    static void check(List<byte[]> got, List<byte[]> expected) {
        boolean same = got.size() == expected.size();
        for (int k = 0; same && k < got.size(); k++) {
            same = Arrays.equals(got.get(k), expected.get(k));
        }
        if (!same) {
            throw new IllegalStateException("not what was sent");
        }
    }

    static void play(ZMQ.Socket socket, String role, int n) {
        int first = -1;
        for (int i = 0; i < n; i++) {
            List<byte[]> parts = content(i);
            if (role.equals("source")) {
                send(socket, parts);
            } else if (role.equals("echo")) {
                send(socket, recv(socket));
            } else if (role.equals("sink")) {
                List<byte[]> got = recv(socket);
                first = first < 0 ? Integer.parseInt(new String(got.get(0))) : first;
                check(got, content(first + i));
            } else {
                if (role.equals("ask")) {
                    parts.add(0, new byte[0]);
                }
                send(socket, parts);
                check(recv(socket), parts);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        ZMQ.Context context = ZMQ.context(1);
        ZMQ.Socket socket =
                context.socket(ZMQ.class.getField(args[1]).getInt(null));
        String endpoint = args[2];
        socket.setLinger(0);
        if (args[3].equals("bind")) {
            endpoint = "tcp://127.0.0.1:" + socket.bindToRandomPort("tcp://127.0.0.1");
        } else {
            socket.connect(endpoint);
        }
        if (args[1].equals("SUB")) {
            socket.subscribe(new byte[0]);
        } else if (args[1].equals("XSUB")) {
            socket.send(new byte[] {1}, 0);
        }
        System.out.println(endpoint);
        play(socket, args[0], Integer.parseInt(args[4]));
        System.out.println("done");
        while (System.in.read() >= 0) {
        }
        socket.close();
        context.term();
    }
}
