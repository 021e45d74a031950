"""The trustee's program: key file, ceremony, status, decryption. Its secrets never leave the machine it runs on."""
