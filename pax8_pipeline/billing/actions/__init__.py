"""What each kind of write is: what is sent, what may change, when it is done. Pure: no SQL, no HTTP."""
