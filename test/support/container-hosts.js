// Loaded before a process that stands for a container: the names of the compose file's services are this machine.
import dns from 'node:dns';

const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(['paper', 'postgres'].includes(name) ? '127.0.0.1' : name, ...rest);
