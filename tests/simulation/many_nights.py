from simulation import simulate
import sys, time, traceback
def main():
    a,b=int(sys.argv[1]),int(sys.argv[2])
    from collections import Counter
    total=Counter(); t=time.time(); c=time.process_time()
    for s in range(a,b):
        try:
            total+=simulate(s).seen
        except BaseException as e:
            print("seed",s,type(e).__name__,str(e)[:600])
            if len(sys.argv)>3: traceback.print_exc()
            if isinstance(e,KeyboardInterrupt): break
    print(b-a, time.time()-t, time.process_time()-c)
    print(sorted(total.items()))
