// SPDX-License-Identifier: Apache-2.0
/* C++ with nothing but zmq.h: sockets that close themselves, errors as exceptions.
 *
 * Prints:
 *
 *     question 1: answer 1
 *     question 2: answer 2
 *     closed: Socket operation on non-socket
 */
#include <zmq.h>

#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

class Error : public std::runtime_error
{
  public:
    Error() : std::runtime_error(zmq_strerror(zmq_errno())), number(zmq_errno()) {}
    int number;
};

class Context
{
  public:
    Context() : context_(zmq_ctx_new()) {}
    ~Context() { zmq_ctx_term(context_); }
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;
    void *get() const { return context_; }

  private:
    void *context_;
};

class Socket
{
  public:
    Socket(const Context &context, int type) : socket_(zmq_socket(context.get(), type))
    {
        if (socket_ == nullptr) {
            throw Error();
        }
    }
    ~Socket() { close(); }
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;

    void close() { zmq_close(socket_); } // a second time is an error, and no harm
    void bind(const std::string &endpoint)
    {
        check(zmq_bind(socket_, endpoint.c_str()));
    }
    void connect(const std::string &endpoint)
    {
        check(zmq_connect(socket_, endpoint.c_str()));
    }
    std::string last_endpoint()
    {
        char text[128];
        size_t size = sizeof(text);

        check(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size));
        return std::string(text);
    }
    void send(const std::string &text)
    {
        check(zmq_send(socket_, text.data(), text.size(), 0));
    }
    std::string recv()
    {
        zmq_msg_t message;

        zmq_msg_init(&message);
        check(zmq_msg_recv(&message, socket_, 0));
        std::string text(static_cast<char *>(zmq_msg_data(&message)),
                         zmq_msg_size(&message));
        zmq_msg_close(&message);
        return text;
    }

  private:
    static void check(int result)
    {
        if (result < 0) {
            throw Error();
        }
    }
    void *socket_;
};

int main()
{
    Context context;
    Socket server(context, ZMQ_REP);
    Socket client(context, ZMQ_REQ);

    server.bind("tcp://127.0.0.1:*");
    client.connect(server.last_endpoint());
    std::thread thread([&server] {
        for (int i = 0; i < 2; i++) {
            server.send("answer " + server.recv());
        }
    });
    for (int i = 1; i <= 2; i++) {
        client.send(std::to_string(i));
        std::cout << "question " << i << ": " << client.recv() << "\n";
    }
    thread.join();
    client.close();
    try {
        client.recv();
    } catch (const Error &error) {
        std::cout << "closed: " << error.what() << "\n";
    }
    return 0;
}
