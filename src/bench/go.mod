module rendezvous/bench

go 1.21
