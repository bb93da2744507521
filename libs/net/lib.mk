LIBS         += net
net.sources  := net_accept.c net_address.c net_connection.c net_lobby.c net_loop.c net_server.c net_ticket.c net_timer.c net_tls.c
net.packages := libssl libcrypto
net.needs    := base metrics
