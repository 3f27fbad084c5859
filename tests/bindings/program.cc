// SPDX-License-Identifier: Apache-2.0
// cppzmq: requests over tcp, parts and a monitor over inproc, a poll.
#include <array>
#include <iostream>
#include <string>
#include <zmq.hpp>
#include <zmq_addon.hpp>

static void requests(zmq::context_t &context)
{
    zmq::socket_t rep(context, zmq::socket_type::rep);
    zmq::socket_t req(context, zmq::socket_type::req);

    rep.bind("tcp://127.0.0.1:*");
    req.connect(rep.get(zmq::sockopt::last_endpoint));
    for (int i = 0; i < 100; i++) {
        zmq::message_t got;

        (void)req.send(zmq::buffer("question", 8));
        (void)rep.recv(got);
        if (got.to_string() != "question") {
            std::cout << "got " << got << std::endl;
        }
        (void)rep.send(std::move(got), zmq::send_flags::none);
        (void)req.recv(got);
        if (got.to_string_view() != "question") {
            std::cout << "got " << got << std::endl;
        }
    }
}

static void parts(zmq::context_t &context)
{
    zmq::socket_t push(context, ZMQ_PUSH);
    zmq::socket_t pull(context, ZMQ_PULL);
    const std::array<zmq::const_buffer, 2> sent = {zmq::str_buffer("first"),
                                                   zmq::str_buffer("second")};
    std::vector<zmq::message_t> got;
    zmq::pollitem_t item = {pull.handle(), 0, ZMQ_POLLIN, 0};

    push.bind("inproc://parts");
    pull.connect("inproc://parts");
    (void)zmq::send_multipart(push, sent);
    zmq::poll(&item, 1, std::chrono::milliseconds(-1));
    (void)zmq::recv_multipart(pull, std::back_inserter(got));
    if (got.size() != 2 || got[1].to_string() != "second") {
        std::cout << "parts are missing" << std::endl;
    }
}

static void errors(zmq::context_t &context)
{
    zmq::socket_t pull(context, zmq::socket_type::pull);
    zmq::message_t none;

    if (pull.recv(none, zmq::recv_flags::dontwait)) {
        std::cout << "something came" << std::endl;
    }
    try {
        pull.connect("nonsense");
        std::cout << "connected to nonsense" << std::endl;
    } catch (const zmq::error_t &error) {
        if (error.num() != EINVAL) {
            std::cout << error.what() << std::endl;
        }
    }
}

int main()
{
    zmq::context_t context;

    requests(context);
    parts(context);
    errors(context);
    const auto version = zmq::version();
    std::cout << std::get<0>(version) << '.' << std::get<1>(version) << '.'
              << std::get<2>(version) << " ok" << std::endl;
    return 0;
}
