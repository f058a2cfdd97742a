// Compiled for its flags: what is precompiled under them is shared (Bourse.cmake).
int main() {}
