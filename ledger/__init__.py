"""The write side: vocabulary, domain, storage, service, OVH gateway, sandbox."""
