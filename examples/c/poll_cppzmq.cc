// SPDX-License-Identifier: Apache-2.0
/* cppzmq, the usual C++ binding, on fastmq: parts, a poll, and a time limit.
 *
 * Prints:
 *
 *     news: 3 parts, the last is 'three'
 *     work: 1 parts, the last is 'task'
 *     quiet
 */
#include <array>
#include <chrono>
#include <iostream>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

static void show(const char *name, zmq::socket_t &socket)
{
    std::vector<zmq::message_t> parts;

    if (zmq::recv_multipart(socket, std::back_inserter(parts))) {
        std::cout << name << ": " << parts.size() << " parts, the last is '"
                  << parts.back().to_string_view() << "'\n";
    }
}

int main()
{
    zmq::context_t context;
    zmq::socket_t pub(context, zmq::socket_type::xpub);
    zmq::socket_t push(context, zmq::socket_type::push);
    zmq::socket_t sub(context, zmq::socket_type::sub);
    zmq::socket_t pull(context, zmq::socket_type::pull);
    zmq::message_t subscription;

    pub.bind("tcp://127.0.0.1:*");
    push.bind("inproc://tasks");
    sub.set(zmq::sockopt::subscribe, "");
    sub.connect(pub.get(zmq::sockopt::last_endpoint));
    pull.connect("inproc://tasks");
    (void)pub.recv(subscription);

    std::array<zmq::const_buffer, 3> news = {
        zmq::str_buffer("one"), zmq::str_buffer("two"), zmq::str_buffer("three")};
    zmq::send_multipart(pub, news);
    show("news", sub);
    push.send(zmq::str_buffer("task"));

    std::vector<zmq::pollitem_t> items = {{sub, 0, ZMQ_POLLIN, 0},
                                          {pull, 0, ZMQ_POLLIN, 0}};
    while (zmq::poll(items, std::chrono::milliseconds(50)) > 0) {
        if (items[0].revents & ZMQ_POLLIN) {
            show("news", sub);
        }
        if (items[1].revents & ZMQ_POLLIN) {
            show("work", pull);
        }
    }
    std::cout << "quiet\n";
    return 0;
}
